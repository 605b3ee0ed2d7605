package import Files

/// The rows of a picture that a process in the cage decodes. Whatever happens to this value, the process ends with it.
///
/// What comes out of the cage is believed to be samples, and nothing else: sizes are checked before the first row,
/// and only after `finish` is it known that the decoder has called them valid.
package struct CagedRows: ~Copyable {
    package let header: CageHeader
    private var process: CagedProcess
    private var rowsLeft: Int

    /// Starts to decode `input`, whose position may change.
    package init(
        _ input: borrowing OpenFile, _ task: CageTask, in program: CageProgram, _ limits: CageLimits
    ) throws(CageError) {
        try self.init(input, named: task.rawValue, in: program, limits)
    }

    /// The same for any name of a task, so that tests can have theirs.
    package init(
        _ input: borrowing OpenFile, named task: String, in program: CageProgram, _ limits: CageLimits
    ) throws(CageError) {
        var process = try CagedProcess(program, task, input: input, limits)
        switch try process.nextMessage() {
        case .header(let bytes):
            guard let header = CageHeader(bytes[...], pixelLimit: limits.pixels) else {
                throw .broken("its picture has an impossible size")
            }
            self.header = header
        case .failure(let failure): throw CageError(failure, limits)
        case .fine: throw .broken("it gave nothing")
        case nil: throw try process.failure()
        }
        rowsLeft = header.height
        self.process = process
    }

    /// Reads the next of `header.height` rows into `row`, which has `header.rowCount` bytes.
    package mutating func readRow(into row: inout [UInt8]) throws(CageError) {
        precondition(rowsLeft > 0 && row.count == header.rowCount, "a row has as many samples as the picture is wide")
        guard try process.readRow(into: &row) else { throw try process.failure() }
        rowsLeft -= 1
    }

    /// Reads what is left; only then is all of it known to be valid.
    package mutating func finish() throws(CageError) {
        var row = [UInt8](repeating: 0, count: rowsLeft > 0 ? header.rowCount : 0)
        while rowsLeft > 0 { try readRow(into: &row) }
        try process.finish()
    }
}
