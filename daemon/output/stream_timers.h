// When which stream is to be served: a heap of times, the earliest first.
//
// A time is never taken back. One that a stream does not wait for any more is void, which the owner of the
// stream finds by comparing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace procctl::output {

class stream_timers {
public:
    using time_point = std::chrono::steady_clock::time_point;
    struct entry {
        time_point at;
        std::uint32_t slot;
    };

    void add(entry e)
    {
        heap_.push_back(e);
        std::push_heap(heap_.begin(), heap_.end(), is_later);
    }
    // time_point::max() when there is none.
    [[nodiscard]] time_point next() const { return heap_.empty() ? time_point::max() : heap_.front().at; }
    // The earliest; there must be one.
    [[nodiscard]] entry take()
    {
        const entry first = heap_.front();
        std::pop_heap(heap_.begin(), heap_.end(), is_later);
        heap_.pop_back();
        return first;
    }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

private:
    static bool is_later(const entry& a, const entry& b) { return a.at > b.at; }

    std::vector<entry> heap_;
};

} // namespace procctl::output
