package import StoreRules

/// What an operator can choose about a store on a disk; the defaults are those of the programs.
@dynamicMemberLookup
package struct VaultSettings: Sendable {
    /// What goes for any store.
    package var store = StoreSettings()
    /// Bytes of disk that uploads leave free.
    package var keepFreeBytes: Int64 = 256 << 20
    /// Bytes held ready for deleting on a full disk; 0 for none.
    package var ballastBytes: Int64 = 64 << 20
    /// How long the store waits before it first tries to write again after a failed sync; doubled each time.
    package var firstProbe = Duration.seconds(1)
    /// The longest such wait.
    package var longestProbe = Duration.seconds(60)
    /// How long the answer to "would a write succeed?" keeps before it is found out anew, by writing.
    package var probeFreshness = Duration.seconds(5)
    /// How long such a question waits for a disk that does not answer.
    package var probePatience = Duration.seconds(5)

    package init() {}

    package subscript<Value>(dynamicMember path: WritableKeyPath<StoreSettings, Value>) -> Value {
        get { store[keyPath: path] }
        set { store[keyPath: path] = newValue }
    }
}
