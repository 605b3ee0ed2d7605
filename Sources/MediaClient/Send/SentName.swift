import Cleaning
import MediaMessage

extension FileExtensions {
    /// What people call a file of this name, if it is that of a picture, film or sound.
    static func noun(ofFile path: String) -> String? {
        guard let last = path.split(separator: "/").last, let own = fileExtension(of: String(last))?.lowercased() else {
            return nil
        }
        if let noun = rareMedia[own] { return noun }
        let type = byType.first { MediaType.noun(of: $0.key) != "file" && $0.value.contains(own) }?.key
        return type.map(MediaType.noun)
    }

    /// Extensions of types that are not told from others by their first bytes.
    private static let rareMedia: [String: String] = {
        let pictures = [
            "3fr", "crw", "dcm", "fff", "iiq", "kdc", "mef", "mos", "mrw", "orf", "raf", "raw", "rw2", "rwl", "srw",
            "x3f",
        ]
        let films = [
            "264", "265", "amv", "h264", "h265", "hevc", "insv", "lrv", "m1v", "m2v", "mxf", "rm", "rmvb", "tod", "vob",
        ]
        let sound = ["ac3", "ape", "au", "caf", "dts", "eac3", "mka", "mp2", "ra", "tta", "weba", "wv"]
        let all = pictures.map { ($0, "picture") } + films.map { ($0, "film") } + sound.map { ($0, "sound") }
        return Dictionary(all) { first, _ in first }
    }()
}

/// What becomes of a file's own name.
package enum NamePolicy: String, CaseIterable, Sendable {
    case yes
    case no
    /// Names that a camera, a telephone or a program has given become `picture.jpg`, `film.mp4`: they tell the time, the
    /// device, or how many pictures there are. Others stay.
    case neutral
}

/// The name of a file in its message.
package enum SentName: Hashable, Sendable {
    case none
    /// As its sender has written it.
    case given(String)
    /// The file's own, with an extension that says what is sent: `IMG_5195.HEIC` is sent as `IMG_5195.jpg`.
    case own(String, isNeutral: Bool)

    /// The name for what is sent, a file of `type`, which people call `noun`.
    package func text(type: String, noun: String) -> String? {
        switch self {
        case .none: return nil
        case .given(let name): return name
        case .own(let name, _) where noun == "file": return name
        case .own(let name, let isNeutral):
            guard isNeutral, Self.isMadeByDevice(Self.stem(of: name)) else { return Self.fitting(name, type) }
            return FileExtensions.byType[type]?.first.map { "\(noun).\($0)" } ?? noun
        }
    }

    /// The name of a picture, film or sound; an extension that is of another kind of these is replaced.
    private static func fitting(_ name: String, _ type: String) -> String {
        guard let wanted = missingExtension(name, type), let own = fileExtension(of: name)?.lowercased(),
            FileExtensions.byType.contains(where: { MediaType.noun(of: $0.key) != "file" && $0.value.contains(own) })
        else { return name }
        return "\(stem(of: name)).\(wanted)"
    }

    private static func stem(of name: String) -> String {
        fileExtension(of: name).map { String(name.dropLast($0.count + 1)) } ?? name
    }

    /// Whether a name has the pattern of a camera's, a telephone's or a program's: a known beginning and a number or time
    /// behind it, or nothing but numbers.
    private static func isMadeByDevice(_ stem: String) -> Bool {
        let name = stem.lowercased().drop { $0 == "_" }
        func isTail(_ text: Substring) -> Bool {
            text.first(where: { !separators.contains($0) }).map { $0.isNumber } ?? false
        }
        if name == "fullsizerender" { return true }
        if deviceWords.contains(where: { name.hasPrefix($0) && isTail(name.dropFirst($0.count)) }) { return true }
        let digits = name.count { $0.isNumber }
        let isNumberAlone = digits >= 6 && name.allSatisfy { $0.isNumber || separators.contains($0) }
        let isHexadecimal = name.count >= 32 && name.allSatisfy { $0.isHexDigit || $0 == "-" }
        return isNumberAlone || isHexadecimal
    }

    private static let separators: Set<Character> = [" ", "_", "-", ".", ",", "(", ")", "@", "\u{202F}", "\u{A0}"]

    private static let deviceWords = [
        "img", "image", "dsc", "dscf", "dscn", "dcim", "pict", "pic", "photo", "p", "pxl", "mvimg", "pano", "burst",
        "vid", "video", "mov", "mvi", "movie", "gopr", "gp", "gx", "gh", "dji", "clip", "rpreplay", "rpreplay_final",
        "aud", "audio", "ptt", "rec", "recording", "voice", "memo", "ring",
        "screenshot", "screenshot from", "screen shot", "screencast", "screencast from", "screen recording",
        "screenrecording", "screenrecord", "screen_recording", "bildschirmfoto", "bildschirmaufnahme",
        "capture d’écran", "capture d'écran", "captura de pantalla", "schermata", "skärmbild",
        "whatsapp image", "whatsapp video", "whatsapp audio", "whatsapp ptt", "signal", "telegram", "snapchat",
        "fb_img", "received", "line", "wp", "cimg", "imgp", "sam", "hpim", "s", "r", "l", "c", "img_e", "win",
        "photo on", "new recording", "bildschirmfoto vom", "trim", "fullsizerender", "00000img",
    ]
}
