import Cage
import Files
import Glibc

// Plays the decoder in the cage: the task says how it behaves. Started like `satchel`, by a parent that is being tested.

// Itself a parent, of a decoder that holds itself before the first wall.
if CommandLine.arguments.dropFirst().first == "starts-held" {
    let limits = CageLimits(wallMilliseconds: Int64.max / 2, memoryBytes: 1 << 30)
    _ = try? CagedRows(try MemoryFile.holding([]), named: "held", in: .own, limits)
    exit(0)
}

guard CommandLine.arguments.count == 4, CommandLine.arguments[1] == CageProgram.command,
    let memoryBytes = UInt64(CommandLine.arguments[3])
else { exit(64) }
if CommandLine.arguments[2] == "held" { raise(SIGSTOP) }
CageChild.enter(BadInmate.self, memoryBytes: memoryBytes)
