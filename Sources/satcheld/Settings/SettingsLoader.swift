import BlobHTTP
import Blobs
import Files
import FoundationEssentials
import Logging
import Store
import Tickets
import Vault

/// Finds the settings in flags, environment and file, and parses them.
struct SettingsLoader {
    /// A setting with its value in effect.
    struct Found {
        let setting: ServerSetting
        let text: String
        /// The flag, the variable or the file that it comes from, or `default`.
        let source: String
        let origin: SettingOrigin

        /// Its value, for people to see.
        var shown: String { setting.isSecret && !text.isEmpty ? "(hidden)" : SettingsLoader.shown(text) }

        /// The same with the unit of its value, for people to see.
        var withUnit: Found {
            Found(setting: setting, text: setting.withUnit(text), source: source, origin: origin)
        }

        /// The setting as it was written, for what is said of it.
        var written: String {
            switch origin {
            case .flag, .standard: setting.flag
            case .environment: setting.environmentName
            case .file(let path): "\(setting.name) in \(path)"
            }
        }
    }

    private let table: SettingsTable
    private let sources: SettingSources<String>

    /// Reads flags and environment, and the file that `--config` or `SATCHELD_CONFIG` names, for the settings of `table`.
    init(
        _ table: SettingsTable = .origin, arguments: [String], environment: [String: String], configPath: String?
    ) throws(SettingsError) {
        self.table = table
        let flags = try Self.flags(arguments, table)
        var variables: [String: String] = [:]
        for setting in table.settings {
            variables[setting.name] = environment[setting.environmentName]?.trimmingBlanks()
        }
        var file: (path: String, values: [String: String])?
        if let path = configPath {
            file = (path, try Self.values(inFile: path, "--config", table))
        } else if let path = environment["SATCHELD_CONFIG"] {
            file = (path, try Self.values(inFile: path, "SATCHELD_CONFIG", table))
        }
        sources = SettingSources(flags: flags, variables: variables, file: file)
    }

    /// Every setting with its value and where it comes from, in the order of the table.
    func all() -> [Found] {
        table.settings.map { setting in
            guard let (text, origin) = sources.value(of: setting.name) else {
                return Found(
                    setting: setting, text: setting.standard, source: "\(SettingOrigin.standard)", origin: .standard)
            }
            let source =
                switch origin {
                case .flag: setting.flag
                case .environment: setting.environmentName
                case .file, .standard: origin.description
                }
            return Found(setting: setting, text: text, source: source, origin: origin)
        }
    }

    /// All of them, parsed.
    func settings() throws(SettingsError) -> ServerSettings {
        var settings = ServerSettings()
        for found in all() {
            settings.written[found.setting.name] = found.written
            if found.origin != .standard { settings.given.insert(found.setting.name) }
            if found.setting.apply(found.text, &settings) { continue }
            throw SettingsError(
                "\(found.written): expected \(found.setting.expected), not \"\(found.shown)\"",
                isUsage: found.origin == .flag)
        }
        return settings
    }

    // MARK: Flags

    /// The values of flags by the names of their settings. Accepts `--name value`, `--name=value`, and `--name` for one
    /// that is on or off. What begins with two dashes is a value only behind an equals sign.
    private static func flags(
        _ arguments: [String], _ table: SettingsTable
    ) throws(SettingsError) -> [String: String] {
        var values: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let setting = table.settings.first(where: { $0.flag == parts[0] }) else {
                throw SettingsError(Self.unknown(argument, flag: parts[0], table), isUsage: true)
            }
            guard values[setting.name] == nil else {
                throw SettingsError("\(setting.flag) is given twice", isUsage: true)
            }
            if parts.count == 2 {
                values[setting.name] = String(parts[1])
            } else if let value = rest.first, !value.hasPrefix("--") {
                values[setting.name] = rest.removeFirst()
            } else if setting.isSwitch {
                values[setting.name] = "true"
            } else {
                throw SettingsError("\(setting.flag) needs a value: \(setting.expected)", isUsage: true)
            }
        }
        return values
    }

    /// What to say of an argument that `table` does not have.
    private static func unknown(_ argument: String, flag: Substring, _ table: SettingsTable) -> String {
        let other = [SettingsTable.origin, .edge].first { $0.settings.contains { $0.flag == flag } }
        if let other { return "\(flag) is a setting of \(other.command), not of \(table.command)" }
        return "unknown argument \"\(shown(argument))\""
    }

    /// What was written, but for what is behind a `#`: it may be a link, which has its key there.
    fileprivate static func shown(_ text: String) -> String {
        text.firstIndex(of: "#").map { "\(text[...$0])…" } ?? text
    }

    // MARK: The file

    /// The bytes of the file, and why it cannot be relied on: whoever can write it decides whose keys count.
    private static func contents(ofFile path: String) throws(FileError) -> (bytes: [UInt8], exposure: String?) {
        let file = try OpenFile(path, .read)
        let exposure = try file.status().exposure(isSecret: false)
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 14))
        while case let count = try file.read(into: &chunk), count > 0 { bytes += chunk[..<count] }
        return (bytes, exposure)
    }

    /// The members of the object at `path` as text: JSON, with comments and a comma after the last member if wished. An
    /// unknown name is an error, so that a typo is noticed.
    private static func values(
        inFile path: String, _ written: String, _ table: SettingsTable
    ) throws(SettingsError) -> [String: String] {
        let bytes: [UInt8]
        let exposure: String?
        do { (bytes, exposure) = try contents(ofFile: path) } catch {
            throw SettingsError("\(written): the settings file cannot be read: \(error)")
        }
        if let exposure { throw SettingsError("\(written): \(path): \(exposure) \(path)") }
        let values: [String: String]
        do { values = try SettingsFile.members(bytes) } catch {
            throw SettingsError("\(written): \(error.sentence(file: path, table))")
        }
        let unknown = values.keys.sorted().first { name in !table.settings.contains { $0.name == name } }
        if let unknown {
            throw SettingsError("\(path): there is no setting \"\(unknown)\"; see satcheld \(table.command) --help.")
        }
        return values
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate func trimmingBlanks() -> String {
        var rest = self[...].drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}

/// Everything that an operator can set, parsed.
struct ServerSettings {
    /// The folder of the store.
    var storagePath = ""
    var server = BlobServerSettings(listen: Authority(host: "", port: nil))
    var vault = VaultSettings()
    /// Whether anybody may upload, without a ticket.
    var allowsAnonymousUploads = false
    /// Files of ticket keys, and folders of them.
    var ticketKeyPaths: [String] = []
    /// Made at the start, where there are no keys and not everybody may upload.
    var localTicket: LocalTicket?
    /// The audience that tickets must name.
    var ticketAudience = ""
    /// Files of the keys of edges, and folders of them.
    var edgeKeyPaths: [String] = []
    /// Files of the secrets of doors, and folders of them; how long slots last, and whether they take anything.
    var slotSecretPaths: [String] = []
    var slotLifetime = Lifetime.days(30)
    var refusesPlaintextInSlots = false
    /// PEM files of the certificate chain and its private key; empty for plain HTTP.
    var tlsCertificatePath = ""
    var tlsKeyPath = ""
    /// From the end of one sweep to the beginning of the next.
    var collectInterval = Duration.zero
    /// The rate of a scrub; 0 for no scrubs.
    var scrubBytesPerSecond: Int64 = 0
    /// From the beginning of one scrub to that of the next.
    var scrubInterval = Duration.zero
    /// How long requests may take to finish when the server is told to stop.
    var shutdownTimeout = Duration.zero
    var logLevel = Logger.Level.info
    var accessLog = AccessLogDestination.off
    /// Of an edge alone.
    var cache = CacheSettings()
    /// Of a node of a shared store alone.
    var shared = SharedSettings()
    var drain = DrainSettings()
    /// Each setting as it was written, by its name.
    var written: [String: String] = [:]
    /// The names of those that somebody set.
    var given: Set<String> = []

    /// Why the setting `name` cannot be used, in one sentence.
    func error(_ name: String, _ why: String) -> SettingsError {
        SettingsError("\(written[name] ?? "--\(name)"): \(why)")
    }
}

/// Settings that cannot be used, or a command line that is wrong; one sentence.
struct SettingsError: Error, CustomStringConvertible {
    let description: String
    /// The command line is wrong, whatever the values: the help of the command tells what is right.
    let isUsage: Bool

    init(_ description: String, isUsage: Bool = false) {
        self.description = description
        self.isUsage = isUsage
    }
}
