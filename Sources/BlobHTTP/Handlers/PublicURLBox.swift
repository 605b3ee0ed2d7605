import Synchronization

/// The URL that this server is known by. Without a setting it is the bound address, which is known only once the
/// socket is.
package final class PublicURLBox: Sendable {
    private let url: Mutex<PublicURL>

    package init(_ url: PublicURL) {
        self.url = Mutex(url)
    }

    package var value: PublicURL {
        get { url.withLock { $0 } }
        set { url.withLock { $0 = newValue } }
    }
}
