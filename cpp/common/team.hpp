// A team of threads that go through the same phases of a job together.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace fieldfare {

// Lets the members of a team wait for one another. Most waits are short, so a member spins at
// first, then lets other threads run, and only then sleeps.
class Barrier {
 public:
  // Thrown by `wait` in the members of a team of which one has failed.
  struct Broken {};

  void open(std::int64_t size) {
    size_ = size;
    next_turn();
  }
  std::int64_t size() const { return size_; }

  void await_opening() { await_end_of(0); }

  void wait() {
    const int turn = turn_;
    if (broken_) throw Broken{};
    if (arrived_.fetch_add(1) + 1 == size_) {
      arrived_ = 0;
      next_turn();
    } else {
      await_end_of(turn);
    }
    if (broken_) throw Broken{};
  }

  void break_up() {
    broken_ = true;
    next_turn();
  }

 private:
  void next_turn() {
    turn_.fetch_add(1);
    turn_.notify_all();
  }

  void await_end_of(int turn) {
    constexpr int spins = 4096, yields = 256;
    for (int i = 0; i < spins + yields; ++i) {
      if (turn_ != turn) return;
      if (i >= spins) std::this_thread::yield();
    }
    while (turn_ == turn) turn_.wait(turn);
  }

  std::atomic<std::int64_t> size_{0}, arrived_{0};
  std::atomic<int> turn_{0};
  std::atomic<bool> broken_{false};
};

class Member {
 public:
  Member(std::int64_t number, Barrier& barrier)
      : number_(number), size_(barrier.size()), barrier_(barrier) {}

  std::int64_t number() const { return number_; }
  std::int64_t size() const { return size_; }
  bool first() const { return number_ == 0; }

  // Waits until every member has arrived here. Throws if one of them has failed.
  void meet() {
    if (size_ > 1) barrier_.wait();
  }

  // Calls work(begin, end) with this member's share of [0, n).
  template <class Work>
  void share(std::int64_t n, Work work) const {
    const std::int64_t begin = n * number_ / size_, end = n * (number_ + 1) / size_;
    if (begin < end) work(begin, end);
  }

 private:
  std::int64_t number_, size_;
  Barrier& barrier_;
};

// Calls work(member) on `wanted` threads, or on as many as the system grants. An exception in one
// of them reaches the caller after the others have finished or arrived at their next meeting.
template <class Work>
void run_team(std::int64_t wanted, const Work& work) {
  Barrier barrier;
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto take_part = [&](std::int64_t number) noexcept {
    Member member(number, barrier);
    try {
      work(member);
    } catch (const Barrier::Broken&) {  // NOLINT(bugprone-empty-catch)
      // The member that failed has reported why.
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
      barrier.break_up();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(std::max<std::int64_t>(wanted - 1, 0)));
  try {
    for (std::int64_t number = 1; number < wanted; ++number) {
      threads.emplace_back([&, number] {
        barrier.await_opening();
        take_part(number);
      });
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // The threads that have started share the work.
  }
  barrier.open(static_cast<std::int64_t>(threads.size()) + 1);
  take_part(0);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fieldfare
