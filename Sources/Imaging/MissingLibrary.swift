package import Cage
import Files

/// A library that is loaded when it is needed, and is not there.
package struct MissingLibrary: Hashable, Sendable {
    /// Debian's package; nil where it is not a library that is missing, but the cage.
    package let package: String?
    /// What does not work without it.
    package let loss: String

    /// Looks for all of them, those of caged decoders in the cage.
    package static func all(in program: CageProgram) -> [MissingLibrary] {
        var missing: [MissingLibrary] = []
        if !WebPLibrary.isAtHand {
            missing.append(MissingLibrary(package: "libwebp7", loss: "WebP is not made smaller, nor are screenshots"))
        } else if !WebPLibrary.canTakeAnimationsApart {
            missing.append(MissingLibrary(package: "libwebpdemux2", loss: "animated WebP has no preview"))
        }
        if !InkTransform.isLoaded {
            missing.append(MissingLibrary(package: "liblcms2-2", loss: "colours of CMYK pictures are approximate"))
        }
        return missing + [caged(.heif, in: program), caged(.avc, in: program)].compactMap { $0 }
    }

    private static func caged(_ task: CageTask, in program: CageProgram) -> MissingLibrary? {
        // Of an empty file nothing comes but why.
        guard let empty = try? MemoryFile.holding([]) else { return nil }
        do throws(CageError) {
            _ = try CagedRows(empty, task, in: program, CageLimits(width: 1, height: 1))
            return nil
        } catch {
            let loss = task == .heif ? "HEIC and AVIF are sent as large as they are" : "films of H.264 have no preview"
            switch error {
            case .missingLibrary:
                return MissingLibrary(package: task == .heif ? "libheif1" : "libopenh264-7", loss: loss)
            case .noCage, .notStarted: return MissingLibrary(package: nil, loss: "\(loss): \(error)")
            default: return nil
            }
        }
    }
}
