import Configuration
import FoundationEssentials

/// The places a setting can come from, best first: flags, environment, file, and at last the table's default.
struct SettingsSources {
    /// A setting as it was found.
    struct Found {
        let setting: Setting
        let text: String
        let source: String
    }

    private var places: [(name: (Setting) -> String, provider: any ConfigProvider, prefix: [String])] = []

    /// Reads flags and environment, and the file that `--config` or `SATCHELD_CONFIG` names.
    init(arguments: [String], environment: [String: String], configPath: String?) async throws {
        let flags = try FlagList(arguments)
        places.append(({ $0.flag }, CommandLineArgumentsProvider(arguments: flags.normalized), []))
        places.append(
            (
                { $0.environmentName }, EnvironmentVariablesProvider(environmentVariables: environment), ["satcheld"]
            ))
        guard let path = configPath ?? environment["SATCHELD_CONFIG"] else { return }
        try Self.checkNames(inFile: path)
        do {
            let place = InMemoryProvider(values: ["filePath": ConfigValue(.string(path), isSecret: false)])
            let file = try await FileProvider<JSONSnapshot>(config: ConfigReader(provider: place))
            places.append(({ _ in path }, file, []))
        } catch {
            throw SettingsError(description: "\(path) cannot be read as settings: \(error)")
        }
    }

    /// Every setting with its value and where it comes from, in the order of the table.
    func all() -> [Found] {
        SettingsTable.all.map { setting in
            for place in places {
                let key = AbsoluteConfigKey(place.prefix + [setting.name], context: [:])
                if let text = Self.text(for: key, in: place.provider) {
                    return Found(setting: setting, text: text, source: place.name(setting))
                }
            }
            return Found(setting: setting, text: setting.standard, source: "default")
        }
    }

    /// All of them, read and checked.
    func settings() throws -> ServerSettings {
        var settings = ServerSettings()
        for found in all() where !found.setting.apply(found.text, &settings) {
            let expected = found.setting.placeholder ?? "true or false"
            throw SettingsError(
                description: "\(found.source): \(found.setting.name) cannot be \"\(found.text)\"; it is \(expected).")
        }
        return settings
    }

    /// A value as text, whatever its type in the file.
    private static func text(for key: AbsoluteConfigKey, in provider: any ConfigProvider) -> String? {
        for type in [ConfigType.stringArray, .string, .int, .bool] {
            guard let value = try? provider.value(forKey: key, type: type).value else { continue }
            switch value.content {
            case .string(let text): return text
            case .stringArray(let texts): return texts.joined(separator: ",")
            case .int(let number): return String(number)
            case .bool(let flag): return String(flag)
            default: continue
            }
        }
        return nil
    }

    /// A name in the file that no setting has is a mistake, not something to pass over.
    private static func checkNames(inFile path: String) throws {
        struct Value: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if (try? container.decode(String.self)) != nil || (try? container.decode(Bool.self)) != nil { return }
                _ = try container.decode(Int64.self)
            }
        }
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw SettingsError(description: "\(path) cannot be read; it was to hold the settings.")
        }
        guard let names = try? JSONDecoder().decode([String: Value].self, from: data).keys.sorted() else {
            throw SettingsError(
                description:
                    "\(path) does not hold settings: it must be one JSON object of texts, whole numbers, true and false."
            )
        }
        if let unknown = names.first(where: { name in !SettingsTable.all.contains { $0.name == name } }) {
            throw SettingsError(description: "\(path): there is no setting \"\(unknown)\"; see satcheld config.")
        }
    }
}
