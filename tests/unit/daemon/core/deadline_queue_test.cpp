#include "daemon/core/deadline_queue.h"
#include "tests/support/catch.h"

#include <map>
#include <random>

using namespace procctl;

namespace {

time_point at(int s) { return time_point{} + std::chrono::seconds(s); }

} // namespace

TEST_CASE("what is due comes out earliest first, and once", "[deadline]")
{
    deadline_queue queue;
    CHECK(queue.next() == never);
    queue.set(7, at(3));
    queue.set(2, at(1));
    queue.set(5, at(2));
    queue.set(5, at(4)); // moved
    queue.set(2, never); // taken back
    queue.set(9, never); // was not in it
    CHECK(queue.next() == at(3));

    std::uint32_t id = 0;
    CHECK_FALSE(queue.take_due(at(2), id));
    REQUIRE(queue.take_due(at(4), id));
    CHECK(id == 7);
    REQUIRE(queue.take_due(at(4), id));
    CHECK(id == 5);
    CHECK_FALSE(queue.take_due(at(4), id));
}

TEST_CASE("any sequence of changes leaves the queue in order", "[deadline]")
{
    std::mt19937 random(20240117);
    deadline_queue queue;
    std::map<std::uint32_t, time_point> model;
    for (int i = 0; i < 20'000; ++i) {
        const auto id = static_cast<std::uint32_t>(random() % 60);
        if (const auto dice = random() % 4; dice == 0) {
            queue.set(id, never);
            model.erase(id);
        } else if (dice == 1) {
            std::uint32_t due = 0;
            const time_point now = at(static_cast<int>(random() % 50));
            if (queue.take_due(now, due)) {
                REQUIRE(model.contains(due));
                for (const auto& [other, deadline] : model)
                    REQUIRE(model[due] <= deadline);
                model.erase(due);
            } else {
                for (const auto& [other, deadline] : model)
                    REQUIRE(deadline > now);
            }
        } else {
            const time_point deadline = at(static_cast<int>(random() % 100));
            queue.set(id, deadline);
            model[id] = deadline;
        }
        time_point earliest = never;
        for (const auto& [other, deadline] : model)
            earliest = std::min(earliest, deadline);
        REQUIRE(queue.next() == earliest);
    }
}
