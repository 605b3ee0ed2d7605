import Files
import Glibc

/// What to say of a store that a maintenance command does not find, or may not touch.
enum StoreAdvice {
    /// The settings of the service that the package installs.
    static let packagedSettings = "/etc/satchel/satcheld.json"

    /// No store is in the folder.
    static func missing(in folder: String, packagedSettings: String = packagedSettings) -> String {
        "there is no store in \(folder); see --storage\(service(folder, packagedSettings))."
    }

    /// No server answers for the folder.
    static func unserved(_ folder: String, packagedSettings: String = packagedSettings) -> String {
        "none runs on this store\(service(folder, packagedSettings))"
    }

    /// Where no folder was named, and the package's service is here, it is likely that one that is meant.
    private static func service(_ folder: String, _ settings: String) -> String {
        let isHere = folder == "storage" && (try? Folder.status(settings)) != nil
        return isHere ? "; for the package's service add --config \(settings)" : ""
    }

    /// The folder cannot be looked into.
    static func unreadable(_ error: FileError) -> String {
        guard error.code == EACCES else { return error.description }
        return "\(error); run it as the store's own user: for the package's service, with sudo -u satchel."
    }
}
