import Assay
import Dispatch
import Foundation

/// Progress on stderr: silent for what takes less than a second. On a terminal one line that is written over; elsewhere a line
/// for each phase that takes longer.
final class ProgressLine: @unchecked Sendable {
    private let lock = NSLock()
    private let terminal = isatty(STDERR_FILENO) != 0
    private let timer = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
    private var phase: String?
    private var start = DispatchTime.now()
    private var shown = false
    private let prefix: String

    init(prefix: String = "") {
        self.prefix = prefix
        timer.schedule(deadline: .now() + 1, repeating: terminal ? 0.2 : 1)
        timer.setEventHandler { [weak self] in self?.tick() }
        timer.resume()
    }

    deinit { timer.cancel() }

    /// For the library's calls.
    func callback(_ part: String = "") -> ProgressReport { { [self] in begin(part + $0) } }

    func begin(_ name: String) {
        lock.withLock {
            erase()
            phase = prefix + name
            start = .now()
            shown = false
        }
    }

    func finish() {
        lock.withLock {
            erase()
            phase = nil
        }
    }

    /// A line that stays.
    func note(_ text: String) {
        lock.withLock {
            erase()
            shown = false
            write(text + "\n")
        }
    }

    private func erase() { if shown && terminal { write("\r\u{1B}[K") } }

    private func tick() {
        lock.withLock {
            guard let phase else { return }
            let elapsed = Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e9
            guard elapsed >= 1 else { return }
            if terminal {
                write("\r\u{1B}[K\(phase) \(String(format: "%.0f", elapsed)) s")
            } else if !shown {
                write("\(phase) ...\n")
            }
            shown = true
        }
    }

    private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
