#include "common/mapped.hpp"

#ifndef _WIN32
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>
#endif

namespace fieldfare {

#ifdef _WIN32

int watch_mapping(const void*, std::size_t) { return -1; }
bool is_torn(int) { return false; }
void unwatch_mapping(int) {}

#else

namespace {

// Fixed, because a signal handler may neither allocate nor lock. A RowStore has up to seven arrays.
constexpr int kWatches = 4096;

struct Watch {
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> torn{false};
};

std::array<Watch, kWatches> watches;
std::atomic<int> n_watches{0};  // those behind were never used
std::mutex changing;
std::uintptr_t page_size = 4096;
struct sigaction before{};

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const int n = n_watches.load(std::memory_order_acquire);
  for (int i = 0; i < n; ++i) {
    Watch& watch = watches[static_cast<std::size_t>(i)];
    if (address < watch.begin.load() || address >= watch.end.load()) continue;
    // mmap is a plain system call, and safe here. The zeros stay until the mapping goes, so that
    // the same page does not fault again.
    void* const page = static_cast<char*>(info->si_addr) - (address % page_size);
    if (mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
      watch.torn.store(true);
      return;
    }
  }
  // Somebody else's fault: what was there before decides, or the signal comes again by default.
  if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    ::signal(signal, SIG_DFL);
  }
}

// Others, such as Python's faulthandler, may have put their own handler in the place meanwhile.
void install() {
  struct sigaction now{};
  if (sigaction(SIGBUS, nullptr, &now) != 0) return;
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_bus_error) return;
  before = now;
  page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction own{};
  own.sa_sigaction = on_bus_error;
  own.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&own.sa_mask);
  sigaction(SIGBUS, &own, nullptr);
}

}  // namespace

int watch_mapping(const void* begin, std::size_t size) {
  const std::lock_guard<std::mutex> held(changing);
  install();
  const auto start = reinterpret_cast<std::uintptr_t>(begin);
  const int n = n_watches.load();
  for (int i = 0; i < kWatches; ++i) {
    Watch& watch = watches[static_cast<std::size_t>(i)];
    if (i < n && watch.end.load() != 0) continue;
    watch.torn.store(false);
    watch.begin.store(start);
    watch.end.store((start + size + page_size - 1) & ~(page_size - 1));
    if (i == n) n_watches.store(n + 1, std::memory_order_release);
    return i;
  }
  return -1;
}

bool is_torn(int watch) {
  return watch >= 0 && watch < kWatches && watches[static_cast<std::size_t>(watch)].torn.load();
}

void unwatch_mapping(int watch) {
  if (watch < 0 || watch >= kWatches) return;
  const std::lock_guard<std::mutex> held(changing);
  watches[static_cast<std::size_t>(watch)].end.store(0);
}

#endif

}  // namespace fieldfare
