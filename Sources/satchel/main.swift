import ArgumentParser
import Cage
import Files

// Before anything can fail: hides a message on the command line, and forbids core dumps.
let arguments = Process.takeArguments()
// This program is also what decodes pictures for itself, in a process of its own; nobody else says so.
if arguments.dropFirst().first == CageProgram.command { CageChild.run(Array(arguments.dropFirst(2))) }
Process.forbidDumps()
Process.ignoreBrokenPipes()

do {
    try refuseDashedNames(in: arguments.dropFirst())
    try refuseUnknownCommand(arguments.dropFirst().first)
    var command = try Satchel.parseAsRoot(showingAllHelp(in: Array(arguments.dropFirst())))
    try command.run()
} catch {
    Process.end(report(error))
}

/// Prints why it ended; returns the exit code.
func report(_ error: any Error) -> Int32 {
    if let ending = ExitError(error) {
        if ending.isUnread { Process.endUnread() }
        Console.write("satchel: \(ending.sentence)\n")
        return ending.code.rawValue
    }
    let code = Satchel.exitCode(for: error).rawValue
    let text = Satchel.fullMessage(for: error)
    if text.isEmpty { return code }
    if code == 0 {
        do throws(FileError) { try Process.write(Array((text + "\n").utf8), to: 1) } catch {
            return report(ExitError(output: error))
        }
        return 0
    }
    Console.write("satchel: \(text.hasPrefix("Error: ") ? text.dropFirst("Error: ".count) : text[...])\n")
    return code
}
