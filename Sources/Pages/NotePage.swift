import Blobs

extension WebPage {
    /// The page that a pasted link leads to where no script is wanted: it loads nothing and runs nothing. The key follows
    /// the `#`, which browsers do not send.
    package static let note = WebPage(
        .note, Array(noteText.utf8), gzip: nil,
        // The style that it may apply is named by its digest (Content Security Policy Level 3 §8.3).
        PagePolicy(
            "default-src 'none'; style-src 'sha256-\(Base64.encode(BlobAddress(of: Array(noteStyle.utf8)).bytes))'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"))

    private static let noteStyle = """
        body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#222;\
        background:#fff}code{background:#eee;padding:.1em .3em;border-radius:3px}\
        @media(prefers-color-scheme:dark){body{color:#ddd;background:#111}code{background:#333}}
        """

    private static let noteText = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <meta name="robots" content="noindex">
        <meta name="generator" content="Satchel \(Release.version)">
        <title>An encrypted file</title>
        <style>\(noteStyle)</style>
        </head>
        <body>
        <h1>An encrypted file</h1>
        <p>Somebody sent you a file. It is stored here encrypted. The key is in the part of the link after <code>#</code>,
        which stays on your device: this server has never seen it.</p>
        <p>To open the file, run <code>satchel open</code> in a terminal, paste the whole link and press Enter.</p>
        <p>Anyone who has the whole link can open the file until it expires. Treat the link like the file itself.</p>
        </body>
        </html>

        """
}
