import Cage
import Files
import Glibc

// Plays the decoder in the cage: the task says how it behaves. Started like `satchel`, by a parent that is being tested.

guard CommandLine.arguments.count == 4, CommandLine.arguments[1] == CageProgram.command,
    let memoryBytes = UInt64(CommandLine.arguments[3])
else { exit(64) }
CageChild.enter(BadInmate.self, memoryBytes: memoryBytes)
