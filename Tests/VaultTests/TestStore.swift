import Files
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// A storage folder of a test's own and what a test says most often about it.
struct TestStore: Sendable {
    let folder: TemporaryFolder
    let clock = TestClock()
    var settings = VaultSettings()

    /// - Parameter inMemory: for tests that a slow disk would only hold up.
    init(inMemory: Bool = true) throws {
        folder = inMemory ? try TemporaryFolder.inMemory() : try TemporaryFolder()
        settings = .small
    }

    static let quiet = StoreFixture.quiet

    /// Where the store lies.
    var path: String { folder.path("store") }

    func open(faults: FaultPoints = .none) async throws(VaultError) -> Vault {
        try await Vault.open(at: path, settings: settings, clock: clock, faults: faults, logger: Self.quiet)
    }

    /// Opens the store, lets `body` use it, and closes it.
    @discardableResult
    func withVault<Value: Sendable>(
        faults: FaultPoints = .none, _ body: (Vault) async throws -> Value
    ) async throws -> Value {
        let vault = try await open(faults: faults)
        do {
            let value = try await body(vault)
            await vault.close()
            return value
        } catch {
            await vault.close()
            throw error
        }
    }
}

extension Charges {
    /// Records an issue unless every subject is charged exactly what it owes.
    static func expectExact(inStore path: String, _ when: Comment? = nil) throws {
        let charges = try Charges(ofStore: path)
        #expect(charges.charged == charges.owed, when)
    }
}
