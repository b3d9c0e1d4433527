// Which instance is due first: a binary heap with at most one deadline for each id, which can be moved.
#pragma once

#include "common/time.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace procctl {

class deadline_queue {
public:
    // Gives `id` this deadline instead of the one it had; `never` takes it out. O(log n), and no allocation
    // once an id as large has been seen.
    void set(std::uint32_t id, time_point deadline);

    // The earliest deadline; never when there is none.
    [[nodiscard]] time_point next() const { return heap_.empty() ? never : heap_.front().deadline; }
    // Takes out one id whose deadline is not after `now`, the earliest first, and writes it down; false when
    // there is none.
    [[nodiscard]] bool take_due(time_point now, std::uint32_t& id);

private:
    struct entry {
        time_point deadline;
        std::uint32_t id;
    };
    static constexpr std::uint32_t absent = UINT32_MAX;

    void place(std::size_t at, entry);
    void sift_up(std::size_t at);
    void sift_down(std::size_t at);
    void remove(std::size_t at);

    std::vector<entry> heap_;
    std::vector<std::uint32_t> position_; // of each id in heap_, or absent
};

} // namespace procctl
