package import MediaMessage

/// Messages whose files are held by their server, ready to be given out; and the entry of the outbox that keeps them
/// until they have been.
package struct Dispatch {
    package let messages: [MediaMessage]
    /// How they were to be printed when they were sent.
    package let format: MessageFormat
    /// Nil where nothing had to be uploaded.
    let entry: OutboxEntry?
}
