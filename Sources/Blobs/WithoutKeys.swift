/// A text in which links end at their `#`, behind which the key is, and neither messages nor URLs have secrets.
package func withoutKeys(_ text: String) -> String {
    text.replacing(/(:\/\/[^\s#]*#)[^\s'\x22]+/) { "\($0.output.1)…" }
        .replacing(/(\x22(?:key|receipt)\x22 *: *\x22)[^\x22]*/) { "\($0.output.1)…" }
        .replacing(/(:\/\/)[^\s\/#@]*@/) { "\($0.output.1)…@" }
}
