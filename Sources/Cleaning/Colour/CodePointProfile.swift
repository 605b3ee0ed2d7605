/// What a picture needs whose colours are told by the code points of ITU-T H.273 instead of a profile.
package enum CodePointProfile: Hashable, Sendable {
    /// They are those of sRGB, or near enough.
    case none
    case profile([UInt8])
    /// No profile of ours says it: high dynamic range, or colours that few displays have.
    case impossible

    package init(primaries: UInt16, transfer: UInt16) {
        // Curves of BT.709, BT.601, sRGB and BT.2020 are shown as sRGB's everywhere; 2 is unspecified.
        guard [1, 2, 6, 13, 14, 15].contains(transfer) else {
            self = .impossible
            return
        }
        switch primaries {
        case 1, 2, 5, 6, 7: self = .none
        case 12: self = .profile(StandardProfile(of: .displayP3).bytes)
        default: self = .impossible
        }
    }
}
