import Tensors

/// Picks the table of a lookup once the range of what is looked up is known.
public typealias TableChoice = (_ builder: inout GraphBuilder, _ reachable: ClosedRange<Int64>) throws -> TableID

/// A requantisation by `shift` bits through a table.
public struct Lookup {
    public var shift: Int
    public var table: TableChoice

    public init(shift: Int, table: @escaping TableChoice) {
        self.shift = shift
        self.table = table
    }
}

/// The layers of a decoder as compositions of the graph's operations, each in one place. Every layer is an exact integer
/// function; what it approximates, and how closely, is said at each.
///
/// Tensors of activations have the token as their first dimension; where a single token is left (after a slice) the same
/// functions take a tensor without it. `rows` below is that label: `"i"` or `""`.
extension GraphBuilder {
    /// `table[h]` for `h = floor((x + 2^(shift-1)) / 2^shift)`.
    public mutating func lookup(_ name: String, _ x: NodeID, _ lookup: Lookup) throws -> NodeID {
        let table = try lookup.table(&self, GraphBuilder.shifted(range(x), lookup.shift))
        return try requantise(name, x, shift: lookup.shift, table: table)
    }

    /// A vector of ones, to sum with.
    public mutating func ones(_ name: String, _ count: Int) throws -> NodeID {
        try constant(name, [count], values: Array(repeating: 1, count: count))
    }

    /// The rows `0..<count` of a weight `[positions, width]`: a contraction with the public one-hot matrix of the rows. Exact.
    ///
    /// Interval arithmetic does not know that a one-hot sum has one term, so the result passes through a division by one,
    /// which proves its range.
    public mutating func learnedPositions(_ name: String, _ table: NodeID, count: Int) throws -> NodeID {
        let positions = shape(table).dimensions[0]
        guard count * positions <= 1 << 26 else {
            throw GraphError(
                node: name, "\(count) of \(positions) learned positions need too large a selection; take fewer tokens")
        }
        var selection = [Int32](repeating: 0, count: count * positions)
        for t in 0..<count { selection[t * positions + t] = 1 }
        let oneHot = try constant(name + ".selection", [count, positions], values: selection)
        let chosen = try contract(name + ".chosen", oneHot, table, "ip", "pd", "id")
        let one = try constant(name + ".one", [], values: [1])
        return try divide(name, chosen, by: one, axes: [], quotient: range(table))
    }

    /// `W x + b` in 32-bit accumulators: an exact contraction over the labels that `x` and `W` share and `out` lacks.
    /// The bias has the dimensions of the output without its rows.
    public mutating func linear(
        _ name: String, _ x: NodeID, _ weight: NodeID, _ labels: (x: String, weight: String, out: String), bias: NodeID?
    ) throws -> NodeID {
        let products = try contract(
            bias == nil ? name : name + ".products", x, weight, labels.x, labels.weight, labels.out)
        guard let bias else { return products }
        let dimensions = shape(products).dimensions
        let all = Array(dimensions.indices)
        return try combine(
            name, [Term(products, axes: all), Term(bias, axes: all.suffix(shape(bias).dimensions.count))],
            dimensions: dimensions)
    }

    /// `x + 2^exponent * branch`: exact.
    ///
    /// A branch (the output of attention or of a feed-forward layer) is requantised on its own, to a step that is a power of
    /// two times the step of the residual. The sum then needs no rounding and no table: a table over the worst case of an
    /// accumulator *at the residual's step* would have millions of rows.
    public mutating func residual(_ name: String, _ x: NodeID, branch: NodeID, exponent: Int) throws -> NodeID {
        let dimensions = shape(x).dimensions
        let all = Array(dimensions.indices)
        return try combine(
            name, [Term(x, axes: all), Term(branch, coefficient: 1 << exponent, axes: all)], dimensions: dimensions)
    }

    /// The tables of a norm; all norms of a model share those of the first two.
    public struct NormLookups {
        /// `x -> round(x^2 / 2^b)`, with `b` such that a sum over the width stays below 2^30.
        public var square: Lookup
        /// `r -> min(limit, round(K / (r + 1/2)))`.
        public var reciprocal: Lookup
        /// The clamp of the result.
        public var result: Lookup

        public init(square: Lookup, reciprocal: Lookup, result: Lookup) {
            self.square = square
            self.reciprocal = reciprocal
            self.result = result
        }
    }

    /// RMS norm (Zhang and Sennrich 2019) of the last dimension, without gamma, which belongs in the weights that follow.
    ///
    ///     V = sum(square(x)) + epsilon        r = floor(sqrt(V))        q = reciprocal(r)        y = clamp((x q) >> shift)
    ///
    /// The root compresses V to 15 bits, so one small table gives its reciprocal. With `r` at least 2^7 the factor `q` is
    /// off by less than 1/2^8 (the half in the table removes the bias of the floor), and `y` is rounded once.
    /// `ones` is a vector of ones of the width.
    public mutating func rootMeanSquareNorm(
        _ name: String, _ x: NodeID, rows: String, ones: NodeID, epsilon: Int64, _ lookups: NormLookups
    ) throws -> NodeID {
        let squares = try lookup(name + ".squares", x, lookups.square)
        var sum = try contract(name + ".sum", squares, ones, rows + "d", "d", rows)
        if epsilon != 0 {
            let dimensions = shape(sum).dimensions
            sum = try combine(
                name + ".shifted", [Term(sum, axes: Array(dimensions.indices))], constant: epsilon,
                dimensions: dimensions)
        }
        let root = try squareRoot(name + ".root", sum)
        let factor = try lookup(name + ".factor", root, lookups.reciprocal)
        let scaled = try contract(name + ".scaled", x, factor, rows + "d", rows, rows + "d")
        return try lookup(name, scaled, lookups.result)
    }

    /// Layer norm (Ba, Kiros and Hinton 2016) without gamma and beta: RMS norm of `x - mean`, with the mean rounded to
    /// nearest by the proved division `floor((2 sum(x) + width) / (2 width))`.
    public mutating func layerNorm(
        _ name: String, _ x: NodeID, rows: String, ones: NodeID, epsilon: Int64, _ lookups: NormLookups
    ) throws -> NodeID {
        let dimensions = shape(x).dimensions
        let width = Int64(dimensions.last!)
        let total = try contract(name + ".total", x, ones, rows + "d", "d", rows)
        let rowAxes = Array(dimensions.indices.dropLast())
        let doubled = try combine(
            name + ".doubled", [Term(total, coefficient: 2, axes: rowAxes)], constant: width,
            dimensions: Array(dimensions.dropLast()))
        let divisor = try constant(name + ".divisor", [], values: [Int32(2 * width)])
        let mean = try divide(name + ".mean", doubled, by: divisor, axes: [], quotient: range(x))
        let centred = try combine(
            name + ".centred", [Term(x, axes: Array(dimensions.indices)), Term(mean, coefficient: -1, axes: rowAxes)],
            dimensions: dimensions)
        return try rootMeanSquareNorm(name, centred, rows: rows, ones: ones, epsilon: epsilon, lookups)
    }

    /// The public matrix of rotary positions (Su et al. 2021): `R[t, a, b, f]` turns the pair (b = 0, 1) at frequency f by the
    /// angle of position t, in units of 2^-bits. `cosines` and `sines` are `[positions, half]`, already integers.
    public mutating func rotation(_ name: String, count: Int, half: Int, cosines: [Int32], sines: [Int32]) throws
        -> NodeID
    {
        var values: [Int32] = []
        values.reserveCapacity(4 * count * half)
        for t in 0..<count {
            let c = cosines[t * half..<(t + 1) * half]
            let s = sines[t * half..<(t + 1) * half]
            values += c
            values += s.map { -$0 }
            values += s
            values += c
        }
        return try constant(name, [count, 2, 2, half], values: values)
    }

    /// Rotates accumulators by their positions and requantises once. Exact but for that rounding and the rounding of the
    /// rotation's own entries. `x` has labels `rows` + `heads` + `bf` (b: the two halves of a head, as `rotate_half` pairs them).
    /// Where the product would leave the field, `narrow` shifts the accumulator first.
    public mutating func rotate(
        _ name: String, _ x: NodeID, rotation: NodeID, rows: String, heads: String, narrow: Int?, _ result: Lookup
    ) throws -> NodeID {
        var x = x
        if let narrow { x = try requantise(name + ".narrow", x, shift: narrow) }
        let turned = try contract(
            name + ".turned", x, rotation, "\(rows)\(heads)bf", "\(rows)abf", "\(rows)\(heads)af")
        return try lookup(name, turned, result)
    }

    /// Causal attention (Vaswani et al. 2017) with grouped key/value heads (Ainslie et al. 2023), `k` key/value heads by `g`
    /// query heads each. Labels: queries `rows` + `kg` + e, keys and values `jk` + e; `headLabels` are those of e for queries and keys.
    /// The result has labels `rows` + `kge` and the scale of the values. Without a mask every query sees every position.
    ///
    ///     s = q . k        m = max_j s        e = exponential((m - s) >> shift)        S = sum_j e
    ///     o = floor((2 sum_j e v + S) / (2 S + 1))
    ///
    /// No probability is ever rounded: `o` is the mean of the values with integer weights `e`, divided once. The denominator
    /// is 2S + 1 and not 2S because S is positive only by an argument about maxima that interval arithmetic cannot make; as
    /// the maximum itself has the greatest weight, that moves a quotient by less than 1/(2S + 1) of itself, and `o` stays in the
    /// range of `v`: for |v| <= V, (2VS + S)/(2S + 1) < V + 1/2 and (-2VS + S)/(2S + 1) >= -V.
    ///
    /// Positions to come are pushed below every other score by `penalty`, so far that the exponential is exactly 0 for them
    /// whatever the scores: with |s| <= M, m - s >= penalty - 2M there, which `shift` bits less is at least `cutoff`.
    public mutating func causalAttention(
        _ name: String, rows: String, query: NodeID, key: NodeID, value: NodeID, headLabels: String, mask: NodeID?,
        ones: NodeID, exponential: Lookup, cutoff: Int64
    ) throws -> NodeID {
        let heads = rows + "kg"
        let scores = try contract(name + ".scores", query, key, heads + headLabels, "jk" + headLabels, heads + "j")
        let dimensions = shape(scores).dimensions
        let all = Array(dimensions.indices)
        let rowAxes = Array(all.dropLast())
        let bound = try Interval.add(range(scores), Interval.scale(range(scores), -1, name), name).upperBound
        let penalty = try Interval.add(
            bound...bound, Interval.scale(cutoff...cutoff, 1 << Int64(exponential.shift), name), name
        ).upperBound
        var masked = scores
        if let mask {
            masked = try combine(
                name + ".masked",
                [Term(scores, axes: all), Term(mask, coefficient: -penalty, axes: [0, all.count - 1])],
                dimensions: dimensions)
        }
        let top = try rowMaximum(name + ".maximum", masked)
        let distance = try combine(
            name + ".distance", [Term(top, axes: rowAxes), Term(masked, coefficient: -1, axes: all)],
            dimensions: dimensions)
        let weights = try lookup(name + ".weights", distance, exponential)
        let total = try contract(name + ".total", weights, ones, heads + "j", "j", heads)
        let mixed = try contract(name + ".mixed", weights, value, heads + "j", "jke", heads + "e")
        let numerator = try combine(
            name + ".numerator", [Term(mixed, coefficient: 2, axes: all), Term(total, axes: rowAxes)],
            dimensions: shape(mixed).dimensions)
        let denominator = try combine(
            name + ".denominator", [Term(total, coefficient: 2, axes: rowAxes)], constant: 1,
            dimensions: shape(total).dimensions)
        let limit = max(abs(range(value).lowerBound), abs(range(value).upperBound))
        return try divide(name, numerator, by: denominator, axes: rowAxes, quotient: -limit...limit)
    }

    /// The elementwise product of an activated gate and the other branch, requantised once.
    public mutating func gated(_ name: String, gate: NodeID, up: NodeID, rows: String, _ result: Lookup) throws
        -> NodeID
    {
        let product = try contract(name + ".product", gate, up, rows + "m", rows + "m", rows + "m")
        return try lookup(name, product, result)
    }
}
