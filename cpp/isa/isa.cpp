// The choice of an instruction set.
#include "isa/isa.hpp"

#include <algorithm>
#include <initializer_list>

#ifdef FIELDFARE_HAVE_v3
#include <cpuid.h>
#endif

namespace fieldfare {

namespace baseline {
extern const Isa entry_points;
}
namespace plain {
extern const Isa entry_points;
}
#ifdef FIELDFARE_HAVE_v3
namespace v3 {
extern const Isa entry_points;
}
#endif

namespace {

constexpr const Isa* compiled[] = {
#ifdef FIELDFARE_HAVE_v3
    &v3::entry_points,
#endif
    &baseline::entry_points,
    &plain::entry_points,
};

#ifdef FIELDFARE_HAVE_v3
// Whether all the given bits of a word are set.
bool has(unsigned word, std::initializer_list<int> bits) {
  return std::all_of(bits.begin(), bits.end(), [&](int bit) { return (word >> bit & 1U) != 0; });
}

// Whether the system saves the registers of SSE and AVX when it switches threads.
bool saves_avx() {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return has(low, {1, 2});
}

// Whether processor and system support everything that -march=x86-64-v3 lets the compiler use
// (System V ABI, AMD64 supplement, section 3.1.1). Read from the processor itself, because not
// every compiler's __builtin_cpu_supports knows the level or all of its parts.
bool has_v3() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const auto read = [&](unsigned leaf) { return __get_cpuid_count(leaf, 0, &a, &b, &c, &d) != 0; };
  // SSE3, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C
  if (!read(1) || !has(c, {0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29}) || !saves_avx()) return false;
  if (!read(7) || !has(b, {3, 5, 8})) return false;  // BMI1, AVX2, BMI2
  return read(0x80000001) && has(c, {0, 5});         // LAHF, LZCNT
}

std::span<const Isa* const> usable() {
  return std::span<const Isa* const>(compiled).subspan(has_v3() ? 0 : 1);
}
#else
std::span<const Isa* const> usable() { return compiled; }
#endif

const Isa* in_use = usable().front();

}  // namespace

std::span<const Isa* const> all_isas() { return compiled; }

const Isa& isa() { return *in_use; }

bool use_isa(std::string_view name) {
  const auto sets = usable();
  const auto found =
      std::find_if(sets.begin(), sets.end(), [&](const Isa* one) { return one->name == name; });
  if (found == sets.end()) return false;
  in_use = *found;
  return true;
}

}  // namespace fieldfare
