import Testing
import Trading

@Suite("Pseudo-random numbers")
struct SplitMix64Tests {
    // The first of seed 0 is in the paper's reference code, those of the other in Rosetta Code's task of its name.
    @Test func `numbers are the published ones`() {
        var zero = SplitMix64(seed: 0)
        #expect(zero.next() == 0xE220_A839_7B1D_CDAF)
        var stream = SplitMix64(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in stream.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    @Test func `the same seed gives the same numbers, spread evenly`() {
        var (one, other) = (SplitMix64(seed: 9), SplitMix64(seed: 9))
        var counts = [0, 0, 0, 0]
        for _ in 0..<4_000 {
            let number = one.next()
            #expect(number == other.next())
            counts[Int(number >> 62)] += 1
        }
        #expect(counts.allSatisfy { (900...1_100).contains($0) })
    }
}
