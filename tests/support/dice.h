// Random choices for property tests: small, fast where nothing is optimized, and the same everywhere for the
// same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace procctl::test {

class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed) {}

    std::uint64_t number() // splitmix64
    {
        std::uint64_t x = state_ += 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
        return x ^ (x >> 31U);
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(number() % n); }
    bool chance(unsigned percent) { return number() % 100 < percent; }
    template <class T> T pick(std::initializer_list<T> from) { return from.begin()[below(from.size())]; }

private:
    std::uint64_t state_;
};

} // namespace procctl::test
