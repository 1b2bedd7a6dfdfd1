import Foundation

// What the handler below may touch: it runs between any two instructions of this program.
private nonisolated(unsafe) var caught: Int32 = 0
private nonisolated(unsafe) var child: pid_t = 0

/// Ctrl-C and its kin (SIGINT, SIGTERM, SIGHUP) while cells run in processes of their own: the cell ends at once, and this
/// program finds time to finish.
enum Interruption {
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// The signal that was caught during `during`; nil where there was none.
    static var signal: Int32? { caught == 0 ? nil : caught }

    /// Runs `body` with signals caught. Those that whoever started this program had it ignore (`nohup`) stay ignored.
    static func during<R>(_ body: () throws -> R) rethrows -> R {
        (caught, child) = (0, 0)
        // Who is started from a thread that blocks signals, as those of Dispatch do, inherits that.
        var own = sigset_t()
        sigemptyset(&own)
        for number in signals { sigaddset(&own, number) }
        pthread_sigmask(SIG_UNBLOCK, &own, nil)
        var before: [(Int32, sigaction)] = []
        for number in signals {
            var old = sigaction()
            sigaction(number, nil, &old)
            if old.isIgnored { continue }
            var new = sigaction()
            new.handle { number in
                caught = number
                if child > 0 { kill(child, SIGKILL) }
            }
            // System calls go on; what waits for the cell sees its end.
            new.sa_flags = Int32(SA_RESTART)
            sigaction(number, &new, nil)
            before.append((number, old))
        }
        defer { for (number, old) in before { withUnsafePointer(to: old) { _ = sigaction(number, $0, nil) } } }
        return try body()
    }

    /// Runs `body` with a process that a signal ends too.
    static func ending<R>(_ process: pid_t, _ body: () throws -> R) rethrows -> R {
        child = process
        defer { child = 0 }
        // One that came before the line above.
        if caught != 0 { kill(process, SIGKILL) }
        return try body()
    }
}

extension sigaction {
    #if canImport(Glibc)
        fileprivate var isIgnored: Bool {
            withUnsafeBytes(of: __sigaction_handler) { handler in
                withUnsafeBytes(of: SIG_IGN) { handler.elementsEqual($0) }
            }
        }
        fileprivate mutating func handle(_ handler: @escaping @convention(c) (Int32) -> Void) {
            __sigaction_handler.sa_handler = handler
        }
    #else
        fileprivate var isIgnored: Bool {
            withUnsafeBytes(of: __sigaction_u) { handler in
                withUnsafeBytes(of: SIG_IGN) { handler.elementsEqual($0) }
            }
        }
        fileprivate mutating func handle(_ handler: @escaping @convention(c) (Int32) -> Void) {
            __sigaction_u.__sa_handler = handler
        }
    #endif
}
