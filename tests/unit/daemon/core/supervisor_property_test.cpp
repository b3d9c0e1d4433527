// Whatever happens in whatever order, some things hold: random programs, requests, facts and changes of the
// configuration over many instances, on a clock of their own.
//
// Every run takes another seed and prints it. PROCCTL_PROPERTY_SEED goes on from a given one, and
// PROCCTL_PROPERTY_STEPS says how many events there are to be. A failure names the seed of its world and
// shows what its instance was told and ordered last.
#include "tests/support/catch.h"
#include "tests/support/simulated_world.h"

#include <cstdlib>
#include <iostream>
#include <random>

using namespace procctl;
using namespace procctl::test;

namespace {

constexpr int turns = 400; // of each world

std::uint64_t number_from(const char* variable, std::uint64_t otherwise)
{
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

#if defined(__SANITIZE_ADDRESS__)
#define PROCCTL_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PROCCTL_IS_SANITIZED 1
#endif
#endif
#ifdef PROCCTL_IS_SANITIZED
constexpr std::uint64_t default_steps = 200'000; // each takes several times as long
#else
constexpr std::uint64_t default_steps = 1'000'000;
#endif

// The same world once more, this time with a trace.
std::string explain(std::uint64_t seed)
{
    simulated_world again(seed, true);
    try {
        again.run(turns);
    } catch (const broken_promise& promise) {
        return std::string(promise.what()) + "\nworld " + std::to_string(seed) + ", instance " +
               again.culprit() + '\n' + again.trace();
    }
    return "and a second time it went well";
}

} // namespace

TEST_CASE("the supervisor holds its promises whatever happens", "[supervisor][property]")
{
    std::uint64_t seed = number_from("PROCCTL_PROPERTY_SEED", std::random_device{}());
    const std::uint64_t steps = number_from("PROCCTL_PROPERTY_STEPS", default_steps);
    std::cout << "PROCCTL_PROPERTY_SEED=" << seed << " PROCCTL_PROPERTY_STEPS=" << steps << std::endl;

    std::map<sub_state, std::uint64_t> visited;
    std::uint64_t done = 0;
    for (; done < steps; ++seed) {
        simulated_world w(seed, false);
        try {
            w.run(turns);
        } catch (const broken_promise&) {
            FAIL(explain(seed));
        }
        done += w.steps();
        for (const auto& [state, times] : w.visited())
            visited[state] += times;
    }
    std::cout << done << " steps; visited";
    for (const auto& [state, times] : visited)
        std::cout << ' ' << to_text(state) << ' ' << times;
    std::cout << std::endl;
    CHECK(done >= steps);
    if (steps >= 100'000) CHECK(visited.size() == 20); // every one
}
