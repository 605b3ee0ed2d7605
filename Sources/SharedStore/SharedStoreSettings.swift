package import Blobs
package import StoreRules

/// What an operator can choose about a node of a shared store; the defaults are those of the programs.
@dynamicMemberLookup
package struct SharedStoreSettings: Sendable {
    /// What goes for any store.
    package var store = StoreSettings()

    /// What the node is called in `node` and in logs.
    package var nodeName = ""
    /// Bytes of blobs that the cache folder keeps, and bytes of its disk that stay free.
    package var cacheBytes: Int64 = 10 << 30
    package var keepFreeBytes: Int64 = 256 << 20
    /// Bytes of large blobs of the cache that are hashed in a second; 0 for none.
    package var cacheScrubBytesPerSecond: Int64 = 8 << 20
    /// For how long what is ready may be served while the database does not answer.
    package var outageReads = Duration.zero
    /// How long whoever asks whether the node is ready waits for a database that is silent.
    package var silencePatience = Duration.seconds(2)
    /// For how many seconds an object stays after its last row has ended.
    package var removalDelaySeconds: Int64 = 900
    /// The same as a lifetime, which is a second at least.
    package var removalDelay: Lifetime {
        get { Lifetime(seconds: max(removalDelaySeconds, 1)) ?? .minutes(15) }
        set { removalDelaySeconds = newValue.seconds }
    }

    package init() {}

    package subscript<Value>(dynamicMember path: WritableKeyPath<StoreSettings, Value>) -> Value {
        get { store[keyPath: path] }
        set { store[keyPath: path] = newValue }
    }

    /// What whoever holds leases is allowed.
    var leaseLimits: LeaseLimits { store.leaseLimits(diskBytes: nil) }
}
