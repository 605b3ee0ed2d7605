import CCage
package import Files
import Glibc

/// Code that runs in the cage.
package protocol CageInmate: ~Copyable {
    /// Loads libraries and whatever else is read from disk, before the cage is shut.
    init() throws(CageFailure)
    /// Reads `input` and gives what is in it, inside the cage.
    mutating func work(_ input: borrowing OpenFile, _ output: borrowing CageOutput) throws(CageFailure)
}

/// Where a caged process writes to.
package struct CageOutput: ~Copyable {
    private let rows = OpenFile(owning: Int32(cage_rows), path: "rows")
    private let report = OpenFile(owning: Int32(cage_report), path: "report")

    fileprivate init() {}

    /// Announces the rows.
    package borrowing func begin(_ header: CageHeader) { tell(.header(header.bytes)) }

    /// Gives the next row, or a part of it.
    package borrowing func write(_ row: RawSpan) {
        do throws(FileError) { try rows.write(row) } catch { CageChild.end() }
    }

    borrowing func tell(_ message: CageMessage) {
        do throws(FileError) { try report.write(message.bytes) } catch { CageChild.end() }
    }
}

/// This process as the caged one.
package enum CageChild {
    /// Does what these arguments, those behind the command, ask for; returns only if they ask for nothing.
    package static func run(_ arguments: [String]) {
        guard arguments.count == 2, let memoryBytes = UInt64(arguments[1]) else { return }
        switch CageTask(rawValue: arguments[0]) {
        case .heif: enter(HEIFInmate.self, memoryBytes: memoryBytes)
        case .avc: enter(AVCInmate.self, memoryBytes: memoryBytes)
        case nil: return
        }
    }

    /// Walls this process in, and lets the inmate work: limits, libraries, the filter, and only then the first byte.
    package static func enter<Inmate: CageInmate & ~Copyable>(_ inmate: Inmate.Type, memoryBytes: UInt64) -> Never {
        // Started by hand there is no report.
        if fcntl(Int32(cage_report), F_GETFD) < 0 { end() }
        let output = CageOutput()
        let input = OpenFile(owning: Int32(cage_input), path: "input")
        do throws(CageFailure) {
            try check(cage_limit(memoryBytes, CageLimits.cpuSeconds))
            var inmate = try Inmate()
            try check(cage_shut())
            try inmate.work(input, output)
            output.tell(.fine)
            exitNow(0)
        } catch {
            output.tell(.failure(error))
            exitNow(0)
        }
    }

    private static func check(_ code: Int32) throws(CageFailure) {
        if code != 0 { throw CageFailure(.noCage, number: Int(code)) }
    }

    /// Nobody listens.
    static func end() -> Never { exitNow(1) }

    /// Without the clean-up of libraries, which may do anything.
    private static func exitNow(_ status: Int32) -> Never { _exit(status) }
}
