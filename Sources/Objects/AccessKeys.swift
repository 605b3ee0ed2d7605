import Blobs
import Files
import Synchronization

/// Where the key comes from.
package enum AccessKeySource: Hashable, Sendable {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and perhaps `AWS_SESSION_TOKEN`, as they were at the start.
    case environment([String: String])
    /// A file with these names, or with those in it that AWS's own files have; see `AccessKeys.parse`.
    case file(String)
}

/// The access key of this process. It can be replaced at any time: requests that are sent from then on go by it.
package final class AccessKeys: Sendable {
    /// Why there is no key.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The names in the environment.
    package static let variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
    private static let fileLimitBytes = 64 << 10

    private let source: AccessKeySource
    private let key: Mutex<AccessKey>

    package init(_ source: AccessKeySource) throws(Failure) {
        self.source = source
        key = Mutex(try Self.read(source))
    }

    package init(_ key: AccessKey) {
        source = .environment([:])
        self.key = Mutex(key)
    }

    /// Reads the file again. If that fails, the key before stays in use.
    package func reload() throws(Failure) {
        guard case .file = source else { return }
        let fresh = try Self.read(source)
        key.withLock { $0 = fresh }
    }

    var current: AccessKey { key.withLock { $0 } }

    private static func read(_ source: AccessKeySource) throws(Failure) -> AccessKey {
        switch source {
        case .environment(let values): return try accessKey(values, in: "the environment")
        case .file(let path):
            var bytes = [UInt8](repeating: 0, count: fileLimitBytes + 1)
            do {
                let file = try OpenFile(path, .read)
                if let exposure = try file.status().exposure(isSecret: true) {
                    throw Failure(description: "\(path) is not safe: \(exposure)")
                }
                let count = try file.read(into: &bytes)
                bytes.removeLast(bytes.count - count)
            } catch let error as FileError {
                throw Failure(description: error.description)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(description: "\(error)")
            }
            guard bytes.count <= fileLimitBytes else { throw Failure(description: "\(path) is too large") }
            do throws(Failure) {
                return try accessKey(try parse(String(decoding: bytes, as: UTF8.self)), in: path)
            } catch {
                throw Failure(description: "\(path): \(error.description)")
            }
        }
    }

    private static func accessKey(_ values: [String: String], in place: String) throws(Failure) -> AccessKey {
        guard let id = values[variables[0]], let secret = values[variables[1]] else {
            throw Failure(description: "\(place) has no \(variables[0]) and \(variables[1])")
        }
        guard let key = AccessKey(id: id, secret: secret, sessionToken: values[variables[2]]) else {
            throw Failure(description: "an access key in \(place) is empty, or has characters that no key has")
        }
        return key
    }

    /// The values in a file of lines `name = value`, with the names of the environment in either case: so it may be one
    /// for a service, or one of AWS's own with the section `[default]` alone.
    static func parse(_ text: String) throws(Failure) -> [String: String] {
        var values: [String: String] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = trim(line)
            guard let first = line.first, first != "#", first != ";" else { continue }
            if line == "[default]", values.isEmpty { continue }
            let parts = line.split(separator: "=", maxSplits: 1).map(trim)
            guard parts.count == 2 else {
                throw Failure(description: "line \(index + 1) is neither name=value nor [default]")
            }
            let name = parts[0].uppercased()
            guard variables.contains(name) else { continue }
            guard values.updateValue(String(parts[1]), forKey: name) == nil else {
                throw Failure(description: "\(name) is there twice")
            }
        }
        return values
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
