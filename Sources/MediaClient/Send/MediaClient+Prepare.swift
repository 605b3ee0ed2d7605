import Cleaning
package import Files
import Imaging
import MediaMessage

extension MediaClient {
    /// Writes what would leave the machine, unsealed, into a folder under the name that it would have in its message;
    /// returns the path, nil for a stream.
    package func prepare(
        _ input: borrowing OpenFile, options: SendOptions, to target: OpenTarget, replacing: Bool
    ) throws(MediaClientError) -> String? {
        // What is in the way is said before the work.
        if case .path = target { _ = try place(target, named: "", replacing: replacing) }
        let prepared = try carryOut(try plan(input, options), options)
        let name = safeFileName(hint: prepared.media.name, mediaType: prepared.media.type)
        let output = try output(place(target, named: name, replacing: replacing), replacing: replacing)
        try onFile(MediaClientError.output) { () throws(FileError) in
            try prepared.whole.file.seek(to: 0)
            try prepared.whole.file.copy(to: output.temporary.file)
        }
        return try publish(output, at: target)
    }

    // MARK: Deciding

    /// Decides what becomes of a file. A picture, film or sound that nothing can be taken out of is an error, unless its
    /// sender wants it sent as it is. Of a stream no more is read than `bound` allows.
    func plan(
        _ input: borrowing OpenFile, _ options: SendOptions, within bound: SizeRefusal? = nil
    ) throws(MediaClientError) -> FilePlan {
        let whole = try whole(input, within: bound)
        let source: SourceBytes
        let type: String
        do throws(CleaningError) {
            source = try SourceBytes(whole.file)
            type = try MediaType.sniff(source)
        } catch {
            throw .notCleaned("file", error)
        }
        let noun = MediaType.noun(of: type)
        var media = Media(
            type: type, size: source.count, name: options.name.text(type: type, noun: noun), caption: options.caption,
            alt: options.alt)
        let handling = MediaHandling(of: type)
        if case .document = handling {
            if type == MediaType.unknown, !options.isAsItIs, let noun = FileExtensions.noun(ofFile: input.path) {
                throw .unrecognized(noun)
            }
            sayAsItIs(type, media.size)
            return FilePlan(whole: whole, media: media, rewriting: nil)
        }
        if options.isAsItIs {
            let told = try describe(&media, handling, whole.file, source)
            delegate.warn(FilePlan.warning(media, told))
            return FilePlan(whole: whole, media: media, rewriting: nil)
        }
        switch handling {
        case .document, .closed: throw .uncleanable(type)
        case .compressed: return FilePlan(whole: whole, media: media, rewriting: .compressing)
        case .cleaned(let clean):
            let file = try cleaned(source, by: clean, noun)
            media.describe(file)
            media.removed = file.removed.sorted().map(\.rawValue)
            guard Self.isCaged(type) else { return FilePlan(whole: whole, media: media, rewriting: .cleaning(file)) }
            return FilePlan(whole: whole, media: media, rewriting: .converting(file, HEIFTraits(source)))
        }
    }

    private func cleaned(
        _ source: SourceBytes, by clean: MediaHandling.Cleaner, _ noun: String
    ) throws(MediaClientError) -> CleanedFile {
        do throws(CleaningError) { return try clean(source) } catch { throw .notCleaned(noun, error) }
    }

    /// A document, or anything unknown.
    private func sayAsItIs(_ type: String, _ bytes: Int64) {
        if bytes == 0 { return delegate.notify("the file is empty") }
        // All that is in text can be read.
        if type == "text/plain" { return delegate.notify("\(type): sent as it is") }
        delegate.warn(
            "warning: \(type): sent as it is; metadata in the file, such as names, times and places, is not removed")
    }

    /// Describes a file that is sent bit for bit; returns what it gives away, nil where it cannot be read.
    private func describe(
        _ media: inout Media, _ handling: MediaHandling, _ input: borrowing OpenFile, _ source: SourceBytes
    ) throws(MediaClientError) -> Set<RemovedMetadata>? {
        switch handling {
        case .document, .closed: return nil
        case .compressed:
            let copy = try spoolFile()
            guard
                let picture = try? preparePicture(
                    input, into: copy.file, quality: .original, acceptsCorruption: true)
            else { return nil }
            media.describe(picture, hasPreview: settings.hasPreview)
            return Set(picture.removed)
        case .cleaned(let clean):
            let file = try? clean(source)
            if let file { media.describe(file) }
            if let file, let traits = file.picture {
                let copy = try spoolFile()
                guard (try? file.copy.write(from: input, to: copy.file)) != nil else { return file.removed }
                if let look = look(at: copy.file, traits) { media.describe(look, hasPreview: settings.hasPreview) }
            } else {
                addLook(to: &media, input, source, displayed: file?.size)
            }
            return file?.removed
        }
    }

    // MARK: Doing

    /// Makes what is to be sealed.
    func carryOut(
        _ plan: consuming FilePlan, _ options: SendOptions
    ) throws(MediaClientError) -> PreparedFile {
        guard let rewriting = plan.rewriting else { return PreparedFile(whole: plan.whole, media: plan.media) }
        var media = plan.media
        let before = media.size
        let noun = MediaType.noun(of: media.type)
        let action: String
        var notice = ""
        var output = try spoolFile()
        switch rewriting {
        case .cleaning(let file):
            if let cut = file.notice { notice = "; \(cut)" }
            let cleaned = try write(file, of: plan.whole.file, to: output.file, media)
            guard let traits = file.picture else {
                if let source = try? SourceBytes(plan.whole.file) {
                    addLook(to: &media, plan.whole.file, source, displayed: file.size)
                }
                action = cleaned
                break
            }
            let smaller = try spoolFile()
            let still = try prepared(output.file, traits, into: smaller.file)
            action = still.action(media.type)
            if let look = still.look { media.describe(look, hasPreview: settings.hasPreview) }
            if let type = still.form.type {
                output = smaller
                (media.type, media.name) = (type, options.name.text(type: type, noun: noun))
            }
        case .converting(let file, let traits):
            action = try convert(file, traits, of: plan.whole.file, to: output.file, &media, options)
        case .compressing:
            do throws(ImagingError) {
                let picture = try preparePicture(
                    plan.whole.file, into: output.file, quality: settings.quality,
                    acceptsCorruption: options.acceptsCorruption)
                media.describe(picture, hasPreview: settings.hasPreview)
                media.removed = picture.removed.map(\.rawValue)
                action = picture.action
                if let damage = picture.condition.notice { notice = "; \(damage)" }
            } catch {
                throw error.isDamage && !options.acceptsCorruption ? .damagedPicture(error) : .picture(error)
            }
        }
        media.size = try onFile(MediaClientError.state) { () throws(FileError) in try output.file.size() }
        delegate.notify(FilePlan.summary(action, media, from: before) + notice)
        do { return PreparedFile(whole: try WholeFile(output), media: media) } catch { throw .state(error) }
    }

    /// Copies a file without its metadata; returns what was done.
    func write(
        _ file: CleanedFile, of input: borrowing OpenFile, to output: borrowing OpenFile, _ media: Media
    ) throws(MediaClientError) -> String {
        let noun = MediaType.noun(of: media.type)
        do throws(CleaningError) {
            try file.copy.write(from: input, to: output) { done in
                delegate.progress(StepProgress(.cleaning, done, of: file.copy.size))
            }
        } catch {
            throw .notCleaned(noun, error)
        }
        return "\(noun) cleaned"
    }

    private func prepared(
        _ clean: borrowing OpenFile, _ traits: PictureTraits, into output: borrowing OpenFile
    ) throws(MediaClientError) -> PreparedStill {
        do { return try prepareStill(clean, traits, into: output, quality: settings.quality) } catch {
            throw .picture(error)
        }
    }
}
