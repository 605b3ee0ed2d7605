import ArgumentParser

// First of all, before anything can fail: a message on the command line goes out of sight, and nothing is dumped.
let arguments = Process.takeArguments()
Process.forbidDumps()
Process.ignoreBrokenPipes()

do {
    var command = try Satchel.parseAsRoot(Array(arguments.dropFirst()))
    try command.run()
} catch {
    Process.end(report(error))
}

/// Says why it ended, and gives the exit code.
func report(_ error: any Error) -> Int32 {
    if let ending = Ending(error) {
        Terminal.write("satchel: \(ending.sentence)\n")
        return ending.code
    }
    let code = Satchel.exitCode(for: error).rawValue
    let text = Satchel.fullMessage(for: error)
    if text.isEmpty { return code }
    if code == 0 {
        return Process.write(text + "\n", to: 1) ? 0 : Ending.outputFailed
    }
    Terminal.write("satchel: \(text.hasPrefix("Error: ") ? text.dropFirst("Error: ".count) : text[...])\n")
    return code
}
