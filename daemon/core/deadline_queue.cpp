#include "daemon/core/deadline_queue.h"

namespace procctl {

void deadline_queue::set(std::uint32_t id, time_point deadline)
{
    if (id >= position_.size()) {
        if (deadline == never) return;
        position_.resize(id + std::size_t{1}, absent);
    }
    const std::uint32_t at = position_[id];
    if (deadline == never) {
        if (at != absent) remove(at);
        return;
    }
    if (at == absent) {
        heap_.push_back({deadline, id});
        position_[id] = static_cast<std::uint32_t>(heap_.size() - 1);
        sift_up(heap_.size() - 1);
        return;
    }
    heap_[at].deadline = deadline;
    sift_up(at);
    sift_down(position_[id]);
}

bool deadline_queue::take_due(time_point now, std::uint32_t& id)
{
    if (heap_.empty() || heap_.front().deadline > now) return false;
    id = heap_.front().id;
    remove(0);
    return true;
}

void deadline_queue::place(std::size_t at, entry e)
{
    heap_[at] = e;
    position_[e.id] = static_cast<std::uint32_t>(at);
}

void deadline_queue::sift_up(std::size_t at)
{
    const entry moving = heap_[at];
    while (at > 0) {
        const std::size_t parent = (at - 1) / 2;
        if (heap_[parent].deadline <= moving.deadline) break;
        place(at, heap_[parent]);
        at = parent;
    }
    place(at, moving);
}

void deadline_queue::sift_down(std::size_t at)
{
    const entry moving = heap_[at];
    for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
        if (child + 1 < heap_.size() && heap_[child + 1].deadline < heap_[child].deadline) ++child;
        if (heap_[child].deadline >= moving.deadline) break;
        place(at, heap_[child]);
        at = child;
    }
    place(at, moving);
}

void deadline_queue::remove(std::size_t at)
{
    position_[heap_[at].id] = absent;
    const entry last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    place(at, last);
    sift_up(at);
    sift_down(position_[last.id]);
}

} // namespace procctl
