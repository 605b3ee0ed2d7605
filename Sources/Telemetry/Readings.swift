package import Store

/// What is looked up when somebody asks for metrics.
package struct Readings: Sendable {
    /// Nil if the store could not be read.
    package var store: StoreReadings?
    package var writing = WriteStatus()
    /// Whether sweeps remove nothing because the clocks cannot be trusted.
    package var isGCHeldBack = false
    package var process = ProcessReadings()

    package init() {}
}

/// What the process uses of the machine.
package struct ProcessReadings: Sendable {
    package var residentBytes: Int64 = 0
    package var openFiles = 0
    package var openFilesLimit = 0
    package var processorSeconds = 0.0

    package init() {}
}
