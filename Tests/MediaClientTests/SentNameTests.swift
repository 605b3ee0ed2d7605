import MediaClient
import Testing

@Suite struct SentNameTests {
    @Test(arguments: [
        ("IMG_5195.HEIC", "image/jpeg", "IMG_5195.jpg"), ("beach.jpeg", "image/jpeg", "beach.jpeg"),
        ("beach.JPG", "image/jpeg", "beach.JPG"), ("beach", "image/jpeg", "beach"),
        ("v1.2 beach", "image/jpeg", "v1.2 beach"), ("film.MOV", "video/quicktime", "film.MOV"),
        ("picture.png", "image/webp", "picture.webp"), ("index.ts", "text/plain", "index.ts"),
        ("data.json", "text/plain", "data.json"), ("photo.png", "application/octet-stream", "photo.png"),
        (".png", "image/jpeg", ".png"),
    ])
    func `the extension says what is sent`(name: String, type: String, expected: String) {
        #expect(SentName.own(name, isNeutral: false).text(type: type, noun: noun(type)) == expected)
    }

    @Test(arguments: [
        "IMG_5195.HEIC", "IMG_20240131_120000.jpg", "DSC01234.JPG", "_DSC1234.jpg", "P1010023.jpg",
        "20240131_120000.jpg",
        "PXL_20240131_120000123.MP.jpg", "Screenshot 2024-01-31 at 12.00.00.png", "Screenshot_20240131-120000_App.png",
        "Bildschirmfoto 2024-01-31 um 12.00.00.png", "WhatsApp Image 2024-01-31 at 12.00.00.jpeg",
        "signal-2024-01-31-120000.jpg", "IMG_E5195.JPG", "FullSizeRender.jpg", "Photo on 02.01.24 at 10.11.jpg",
        "WIN_20240102_10_11_12_Pro.jpg", "Bildschirmfoto vom 2024-01-02 10-11-12.png", "C0001.jpg",
        "0A1B2C3D-0000-4000-8000-0123456789AB.jpeg",
    ])
    func `a name that a camera or a program gave is made neutral`(name: String) {
        #expect(SentName.own(name, isNeutral: true).text(type: "image/jpeg", noun: "picture") == "picture.jpg")
        #expect(SentName.own(name, isNeutral: false).text(type: "image/jpeg", noun: "picture") != "picture.jpg")
    }

    @Test(arguments: ["beach.jpg", "Image of us.jpg", "Peter 1.jpg", "photograph.jpg", "sunset 2024.jpg", "S.jpg"])
    func `a name that a person gave stays`(name: String) {
        #expect(SentName.own(name, isNeutral: true).text(type: "image/jpeg", noun: "picture") == name)
    }

    @Test func `a film becomes film, a sound sound; documents and names given for the message stay`() {
        let name = SentName.own("VID_20240131_120000.mp4", isNeutral: true)
        #expect(name.text(type: "video/mp4", noun: "film") == "film.mp4")
        #expect(
            SentName.own("AUD-20240131-WA0001.m4a", isNeutral: true).text(type: "audio/mp4", noun: "sound")
                == "sound.m4a")
        #expect(
            SentName.own("20240131.pdf", isNeutral: true).text(type: "application/pdf", noun: "file") == "20240131.pdf")
        #expect(SentName.given("IMG_1.png").text(type: "image/jpeg", noun: "picture") == "IMG_1.png")
        #expect(SentName.none.text(type: "image/jpeg", noun: "picture") == nil)
    }

    private func noun(_ type: String) -> String {
        switch type.prefix(6) {
        case "image/": "picture"
        case "video/": "film"
        default: "file"
        }
    }
}
