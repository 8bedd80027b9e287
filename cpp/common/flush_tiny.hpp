// Numbers next to zero.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#define FIELDFARE_FLUSHES_TINY
#endif

namespace fieldfare {

// While it lives, what is below the normal range of floats (1.2e-38) counts as zero on this thread.
// A penalty shrinks weights that no gradient moves any more into that range, where x86 processors
// are many times slower.
class FlushTiny {
 public:
#ifdef FIELDFARE_FLUSHES_TINY
  FlushTiny() : before_(_mm_getcsr()) {
    constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
    _mm_setcsr(before_ | flush_to_zero | denormals_are_zero);
  }
  ~FlushTiny() { _mm_setcsr(before_); }
#else
  FlushTiny() {}
  ~FlushTiny() {}
#endif
  FlushTiny(const FlushTiny&) = delete;
  FlushTiny& operator=(const FlushTiny&) = delete;

#ifdef FIELDFARE_FLUSHES_TINY
 private:
  unsigned before_;
#endif
};

}  // namespace fieldfare
