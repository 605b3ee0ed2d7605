import Cage
import Files
import Glibc
import TestSupport
import Testing

/// What a decoder in the cage can do, and what its parent makes of it: `CageStub` plays the decoder.
@Suite struct CageTests {
    /// What is in the input.
    private static let input: [UInt8] = Array(101...112)
    private static let stub = CageProgram(path: Products.path("CageStub"))
    /// Nothing here takes as long, unless the machine is asleep.
    private static let patient = CageLimits(wallMilliseconds: 60_000, memoryBytes: 1 << 30)

    private func start(_ behaviour: String, _ limits: CageLimits = patient) throws -> [[UInt8]] {
        let file = try MemoryFile.holding(Self.input)
        var rows = try CagedRows(file, named: behaviour, in: Self.stub, limits)
        var all: [[UInt8]] = []
        var row = [UInt8](repeating: 0, count: rows.header.rowCount)
        for _ in 0..<rows.header.height {
            try rows.readRow(into: &row)
            all.append(row)
        }
        try rows.finish()
        return all
    }

    private func error(_ behaviour: String, _ limits: CageLimits = patient) throws -> CageError {
        try #require(throws: CageError.self) { _ = try start(behaviour, limits) }
    }

    @Test func `an honest decoder reads its input and gives its rows`() throws {
        #expect(try start("reads") == [Self.input, Self.input, Self.input])
        #expect(try start("honest").count == 3)
    }

    #if arch(x86_64)
        private static let forbidden: [(String, Int)] = [
            ("opens", 257), ("connects", 41), ("forks", 56), ("executes", 59), ("signals", 62),
            ("makes-code", 9), ("reads-names", 79),
        ]
    #else
        private static let forbidden: [(String, Int)] = [
            ("opens", 56), ("connects", 198), ("forks", 220), ("executes", 221), ("signals", 129),
            ("makes-code", 222), ("reads-names", 17),
        ]
    #endif

    @Test(arguments: forbidden)
    func `what no decoder needs ends it, and the call is named`(behaviour: String, number: Int) throws {
        #expect(try error(behaviour) == .forbiddenCall(number))
    }

    @Test func `memory is limited`() throws {
        let limits = CageLimits(wallMilliseconds: 60_000, memoryBytes: 512 << 20)
        #expect(try error("allocates", limits) == .ended(signal: SIGABRT))
    }

    @Test(arguments: ["loops", "sleeps", "gives-endlessly"])
    func `time is limited`(behaviour: String) throws {
        let limits = CageLimits(wallMilliseconds: behaviour == "gives-endlessly" ? 60_000 : 1000, memoryBytes: 1 << 30)
        switch try error(behaviour, limits) {
        case .tooSlow: #expect(behaviour != "gives-endlessly")
        case .broken(let why): #expect(behaviour == "gives-endlessly" && why.contains("more rows"))
        case let other: Issue.record("\(other)")
        }
    }

    @Test(arguments: [
        ("crashes", "signal 11"), ("aborts", "signal 6"), ("silent", "less than"), ("gives-less", "less than"),
        ("stops-early", "less than"), ("gives-more", "more rows"), ("unreported", "less than"), ("huge", "impossible"),
        ("flat", "impossible"), ("five", "impossible"),
    ])
    func `a decoder that does not keep to its word is an error`(behaviour: String, words: String) throws {
        let error = try error(behaviour)
        #expect(error.description.contains(words), "\(error)")
        #expect(!error.isAboutThisMachine)
    }

    @Test(arguments: [
        ("refuses", CageError.damaged("a bad marker[2J")), ("unsupported", .unsupported("an odd codec")),
        ("needs", .missingLibrary("libnothing")), ("never-shut", .noCage(code: EINVAL)),
    ])
    func `what a decoder says of itself is passed on`(behaviour: String, expected: CageError) throws {
        #expect(try error(behaviour) == expected)
        #expect(expected.isAboutThisMachine == !["refuses"].contains(behaviour))
    }

    @Test func `a program that is not there, or is another, is an error`() throws {
        let file = try MemoryFile.holding([])
        for path in ["/nowhere/satchel", "/bin/true", "/bin/false"] {
            #expect(throws: CageError.self) {
                _ = try CagedRows(file, .heif, in: CageProgram(path: path), Self.patient)
            }
        }
    }

    /// In a process of its own: other tests have decoders, too.
    @Test func `no process and no descriptor is left behind`() async {
        await #expect(processExitsWith: .success) { try CageTests().leaveNothing() }
    }

    private struct LeftBehind: Error {
        let descriptors: Int
        let processes: [String]
    }

    private func leaveNothing() throws {
        for behaviour in ["honest", "crashes", "gives-more", "opens", "silent"] { _ = try? start(behaviour) }
        // One that is forgotten while it runs.
        do {
            let file = try MemoryFile.holding(Self.input)
            let rows = try CagedRows(file, named: "sleeps", in: Self.stub, Self.patient)
            _ = rows.header
        }
        let left = LeftBehind(
            descriptors: try Self.openDescriptors(), processes: try ChildProcess.all(of: getpid()).map { "\($0)" })
        if left.descriptors > 0 || !left.processes.isEmpty { throw left }
    }

    /// Pipes and files in memory of this process that decoders had.
    private static func openDescriptors() throws -> Int {
        try Folder.names(in: "/proc/self/fd").count { name in
            ((try? Folder.target(ofLink: "/proc/self/fd/\(name)")) ?? "").contains("memfd:satchel")
        }
    }
}
