#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A regular file mapped for reading. The file must not be truncated by others while it is in use.
final class MappedFile: @unchecked Sendable {
    let path: String
    let bytes: UnsafeRawBufferPointer

    /// nil where there is no such file.
    init?(ifPresent path: String, limit: Int) throws {
        self.path = path
        // O_NONBLOCK: a pipe of that name must not hang the reader.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw ModelFileError(
                path, problem: "cannot be opened (\(String(cString: strerror(errno))))", remedy: "Check its permissions"
            )
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ModelFileError(path, problem: "is not a regular file", remedy: "Give a folder with ordinary files")
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw ModelFileError(
                path, problem: "has \(size) bytes, more than the \(limit) read here",
                remedy: "Check that it is the right file")
        }
        if size == 0 {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw ModelFileError(
                path, problem: "cannot be mapped (\(String(cString: strerror(errno))))", remedy: "Free some memory")
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    static func required(_ path: String, limit: Int, remedy: String) throws -> MappedFile {
        guard let file = try MappedFile(ifPresent: path, limit: limit) else {
            throw ModelFileError(path, problem: "does not exist", remedy: remedy)
        }
        return file
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
