import Cleaning
import Imaging
import Testing

/// The table of `docs/media.md`, row by row.
@Suite struct StillPlanTests {
    struct PlanCase: Sendable, CustomTestStringConvertible {
        let name: String
        let facts: StillFacts
        let standard: StillPlan
        let high: StillPlan

        var testDescription: String { name }

        init(
            _ name: String, _ format: PictureTraits.Format, _ width: Int, _ height: Int, kib: Int64,
            standard: StillPlan, high: StillPlan, _ change: (inout StillFacts) -> Void = { _ in }
        ) {
            var facts = StillFacts(format, width: width, height: height, bytes: kib << 10)
            change(&facts)
            (self.name, self.facts, self.standard, self.high) = (name, facts, standard, high)
        }
    }

    private static let small = StillPlan.stripped(.small)
    private static func webP(_ losslessKiB: Int?, _ quality: Int, _ longEdge: Int) -> StillPlan {
        .webP(losslessLimit: losslessKiB.map { $0 << 10 }, quality: quality, longEdge: longEdge)
    }

    static let cases = [
        PlanCase("a small one", .png, 1080, 2400, kib: 256, standard: small, high: small),
        PlanCase("a screenshot", .png, 1080, 2400, kib: 600, standard: webP(320, 90, 2560), high: small),
        PlanCase(
            "the largest screenshot", .png, 2560, 1600, kib: 2000, standard: webP(320, 90, 2560),
            high: webP(1536, 95, 4096)),
        PlanCase(
            "one that lossless never fits", .png, 2560, 1600, kib: 3000, standard: webP(nil, 90, 2560),
            high: webP(1536, 95, 4096)),
        PlanCase("a photograph", .png, 4000, 3000, kib: 20_000, standard: .photo, high: webP(nil, 95, 4096)),
        PlanCase("larger than high", .png, 8000, 6000, kib: 60_000, standard: .photo, high: webP(nil, 95, 4096)),
        PlanCase(
            "large, and something shows through", .png, 4000, 3000, kib: 20_000, standard: webP(nil, 90, 2560),
            high: webP(nil, 95, 4096)
        ) {
            $0.hasAlphaInUse = true
        },
        PlanCase(
            "a drawing with alpha", .png, 1200, 2000, kib: 1500, standard: webP(320, 90, 2560),
            high: webP(1536, 95, 4096)
        ) {
            $0.hasAlphaInUse = true
        },
        PlanCase("scrolled", .png, 1080, 5400, kib: 2000, standard: webP(320, 90, 5724), high: webP(1536, 95, 9158)),
        PlanCase(
            "scrolled far", .png, 1080, 30_000, kib: 9000, standard: webP(nil, 90, 13_492), high: webP(nil, 95, 16_383)),
        PlanCase("lossless WebP", .webP, 1080, 2400, kib: 600, standard: webP(320, 90, 2560), high: small),
        PlanCase(
            "a bitmap, whose size tells nothing", .bmp, 1920, 1080, kib: 6000, standard: webP(320, 90, 2560),
            high: webP(1536, 95, 4096)),
        PlanCase("lossy WebP", .webP, 1600, 1200, kib: 512, standard: small, high: small) { $0.isLossless = false },
        PlanCase("a heavy lossy WebP", .webP, 1600, 1200, kib: 700, standard: .photo, high: small) {
            $0.isLossless = false
        },
        PlanCase("a large lossy WebP", .webP, 4000, 3000, kib: 400, standard: .photo, high: small) {
            $0.isLossless = false
        },
        PlanCase("a huge lossy WebP", .webP, 8000, 6000, kib: 4000, standard: .photo, high: .photo) {
            $0.isLossless = false
        },
        PlanCase("lossy WebP with alpha", .webP, 4000, 3000, kib: 400, standard: webP(nil, 85, 1600), high: small) {
            ($0.isLossless, $0.hasAlphaInUse) = (false, true)
        },
        PlanCase("a GIF", .gif, 4000, 3000, kib: 4000, standard: small, high: small),
        PlanCase(
            "an animation", .png, 4000, 3000, kib: 9000, standard: .stripped(.animated), high: .stripped(.animated)
        ) {
            $0.isAnimated = true
        },
        PlanCase("linear light", .png, 4000, 3000, kib: 9000, standard: .stripped(.colours), high: .stripped(.colours))
        {
            $0.hasOtherColours = true
        },
        PlanCase(
            "without libwebp", .png, 1080, 2400, kib: 1200, standard: .stripped(.noLibrary), high: .stripped(.noLibrary)
        ) {
            $0.webP = .noLibrary
        },
        PlanCase(
            "a photograph without libwebp", .png, 4000, 3000, kib: 9000, standard: .photo, high: .stripped(.noLibrary)
        ) {
            $0.webP = .noLibrary
        },
        PlanCase(
            "gray with a profile", .png, 1080, 2400, kib: 1200, standard: .stripped(.colours), high: .stripped(.colours)
        ) {
            $0.webP = .noSuchColours
        },
    ]

    @Test(arguments: cases)
    func `each picture has its form`(_ planCase: PlanCase) {
        #expect(StillPlan(planCase.facts, .standard) == planCase.standard)
        #expect(StillPlan(planCase.facts, .high) == planCase.high)
        #expect(StillPlan(planCase.facts, .original) == .stripped(.asked))
    }

    @Test func `sizes at the limits of numbers have a form`() {
        for (width, height) in [(1, 1), (1, 65_535), (65_535, 1), (65_535, 4577)] {
            let facts = StillFacts(.png, width: width, height: height, bytes: .max)
            for quality in Quality.allCases { _ = StillPlan(facts, quality) }
        }
    }
}
