import CMachine
import CSIMD
import Tensors

/// Something to time. A kernel is one value in `suite` (Suite.swift); nothing else names it but `targets.json`.
struct Kernel {
    /// `field.operation/where`: `L1` for data in the nearest cache, `memory` for data larger than all caches, or a size.
    let name: String
    /// How many of `unit` one run does.
    let count: Int
    /// What is counted: element, pair, weight, byte, ...
    let unit: String
    /// Bytes that one run must read and write; 0 where they stay in a cache. What a store first fetches is not counted.
    var bytes = 0
    /// 512-bit instructions of one kind that one run cannot do without.
    var work: (instruction: Instruction, count: Double)?
    /// Whether it starts threads when allowed to, so that it is timed on two as well.
    var threads = false
    /// Allocates and fills. What it returns is kept until the kernel has been timed.
    let prepare: () throws -> Run
}

struct Run {
    /// Runs before each timed run, and is not timed.
    var reset: (() -> Void)?
    let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }
    init(reset: @escaping () -> Void, _ body: @escaping () -> Void) {
        self.reset = reset
        self.body = body
    }
}

/// A kind of instruction that bounds kernels.
enum Instruction: String, CaseIterable {
    /// `vpdpbusd`: 64 products of bytes.
    case dot
    /// `vpmuludq`: 8 products of 32 by 32 bits.
    case multiply
    /// `vpmadd52luq`: 8 halves of products of 52 by 52 bits.
    case madd52
}

/// A result goes here, so that no compiler can leave out what made it.
@inline(never)
func consume<T>(_ value: T) { withUnsafeBytes(of: value) { sink ^= $0[0] } }
nonisolated(unsafe) private var sink: UInt8 = 0

/// The fastest of several runs, in seconds for one run.
///
/// One thread is timed by its own processor time, so that it does not count when other processes have the core; two threads by
/// the wall clock.
struct Clock {
    /// Seconds to spend on a kernel, if a run is not longer than that.
    let budget: Double

    func fastest(_ run: Run, threads: Int) -> Double {
        Parallel.threadCount = threads
        let now = threads == 1 ? machine_thread_seconds : machine_wall_seconds
        func once(_ repetitions: Int) -> Double {
            run.reset?()
            let start = now()
            for _ in 0..<repetitions { run.body() }
            return (now() - start) / Double(repetitions)
        }
        // The first run touches memory and makes tables; where it takes most of the budget one more must do.
        let first = once(1)
        if first > budget { return min(once(1), first) }
        // Reading the clock costs half a microsecond.
        let repetitions = run.reset == nil ? max(1, Int(100e-6 / max(first, 1e-9))) : 1
        var best = Double.infinity
        var spent = 0.0
        var samples = 0
        while spent < budget || samples < 3 {
            let seconds = once(repetitions)
            best = min(best, seconds)
            spent += max(seconds * Double(repetitions), 1e-7)
            samples += 1
        }
        return best
    }
}

/// What the machine can do at most, on one thread.
struct Limits {
    /// Bytes a second.
    var memory = 0.0
    /// Instructions a second; none where the processor lacks it.
    var instructions: [Instruction: Double] = [:]

    private static let words = 16 << 20

    mutating func measure() {
        let data = AlignedBuffer<UInt64>(repeating: 1, count: Limits.words)
        for _ in 0..<3 {
            let start = machine_thread_seconds()
            consume(machine_read(data.pointer, data.count))
            memory = max(memory, Double(8 * data.count) / (machine_thread_seconds() - start))
        }
        for kind in Instruction.allCases {
            var seen: UInt64 = 0
            for _ in 0..<3 {
                let rounds = 100_000
                let start = machine_thread_seconds()
                let there =
                    switch kind {
                    case .dot: machine_dot(rounds, &seen)
                    case .multiply: machine_multiply(rounds, &seen)
                    case .madd52: machine_madd52(rounds, &seen)
                    }
                let seconds = machine_thread_seconds() - start
                if there != 0 {
                    instructions[kind] = max(instructions[kind] ?? 0, Double(32 * rounds) / seconds)
                }
            }
            consume(seen)
        }
    }
}
