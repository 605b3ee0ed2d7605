import Cage
import Files
import Glibc

/// An inmate that does one thing which it should not.
struct BadInmate: ~Copyable, CageInmate {
    /// The task; or the name of the program's file, where a test has given it another one.
    private let behaviour: String

    init() throws(CageFailure) {
        let own = (try? Folder.target(ofLink: "/proc/self/exe"))?.split(separator: "/").last
        behaviour = own.flatMap { $0 == "CageStub" ? nil : String($0) } ?? CommandLine.arguments[2]
        switch behaviour {
        case "needs": throw CageFailure(.noLibrary, text: "libnothing")
        case "never-shut": throw CageFailure(.noCage, number: Int(EINVAL))
        default: break
        }
    }

    private static let header = CageHeader(width: 4, height: 3, components: 3)
    private static let row: [UInt8] = Array(1...12)

    mutating func work(_ input: borrowing OpenFile, _ output: borrowing CageOutput) throws(CageFailure) {
        switch behaviour {
        case "silent": _exit(0)
        case "refuses": throw CageFailure(.damaged, text: "a bad marker\u{1B}[2J")
        case "unsupported": throw CageFailure(.unsupported, text: "an odd codec")
        case "unreported", "held": _exit(7)
        case "huge": output.begin(CageHeader(width: 65_000, height: 65_000, components: 3))
        case "flat": output.begin(CageHeader(width: 0, height: 3, components: 3))
        case "five": output.begin(CageHeader(width: 4, height: 3, components: 5))
        case "reads": try read(input, output)
        default:
            output.begin(Self.header)
            give(1, output)
            misbehave(output)
        }
    }

    private func give(_ count: Int, _ output: borrowing CageOutput) {
        for _ in 0..<count { output.write(unsafe Self.row.span.bytes) }
    }

    /// What an honest one does.
    private func read(_ input: borrowing OpenFile, _ output: borrowing CageOutput) throws(CageFailure) {
        var bytes = [UInt8](repeating: 0, count: 12)
        do throws(FileError) { _ = try input.read(into: &bytes, at: 0) } catch { throw CageFailure(.damaged) }
        output.begin(Self.header)
        for _ in 0..<3 { output.write(unsafe bytes.span.bytes) }
    }

    private func misbehave(_ output: borrowing CageOutput) {
        switch behaviour {
        case "opens": _ = unsafe open("/etc/passwd", O_RDONLY)
        case "connects": _ = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        case "forks": unsafe startProcess()
        case "executes": unsafe startProgram()
        case "signals": _ = kill(1, 0)
        case "makes-code":
            _ = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        case "reads-names": _ = unsafe getcwd(nil, 0)
        case "allocates": unsafe allocate()
        case "loops": while true {}
        case "sleeps": while true { _ = sched_yield() }
        case "crashes": unsafe crash()
        case "aborts": abort()
        case "stops-early": return
        case "gives-more": give(3, output)
        case "gives-endlessly": while true { give(1, output) }
        case "gives-less": _exit(0)
        default: give(2, output)
        }
        // Whoever comes this far after something forbidden has got through.
    }
}

@unsafe private func startProcess() {
    // Not fork(), whose preparations in the C library are calls that are not allowed, too.
    let call = unsafe dlsym(nil, "syscall")
    typealias Call = @convention(c) (Int, Int, Int, Int, Int, Int) -> Int
    #if arch(x86_64)
        let clone = 56
    #else
        let clone = 220
    #endif
    if let call = unsafe call { _ = unsafe unsafeBitCast(call, to: Call.self)(clone, 17, 0, 0, 0, 0) }
}

@unsafe private func startProgram() {
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("true"), nil]
    _ = unsafe execv("/bin/true", &arguments)
}

@unsafe private func allocate() {
    for _ in 0..<32 {
        guard let room = unsafe malloc(64 << 20) else { abort() }
        unsafe memset(room, 1, 64 << 20)
    }
}

@unsafe private func crash() {
    let nowhere = unsafe UnsafeMutablePointer<UInt8>(bitPattern: 16)
    unsafe nowhere?.pointee = 1
}
