package import Blobs

/// The right to upload and to hold, as the chat server gave it out and as it was found good.
package struct Ticket: Hashable, Sendable {
    /// Whom it was given to and who is charged: 1…256 bytes, best a pseudonym.
    package let subject: String
    /// The one blob that it is for; nil for any.
    package let address: BlobAddress?
    /// How much and how long one blob may be held with it.
    package let entitlement: Entitlement
    /// The most recipients that a lease made with it may name; nil for any number.
    package let mostRecipients: Int?
}
