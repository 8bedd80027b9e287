#include "gradient/initial.hpp"

#include <algorithm>
#include <numbers>

#include "common/random.hpp"
#include "common/team.hpp"

namespace fieldfare {

namespace {

// Uniform. Each number depends only on the seed, its feature and its place, so that a table that
// has grown equals one that was large from the start, and the number of threads changes nothing.
void draw(float* out, const Stretch& run, std::uint64_t key) {
  const float half_range = run.scale * std::numbers::sqrt3_v<float>;
  for (std::int64_t j = 0; j < run.count; ++j) {
    const std::uint64_t bits = mix(key + static_cast<std::uint64_t>(run.place + j));
    // The upper 24 bits, which a signed number converts at once: [0, 1).
    const float unit = static_cast<float>(static_cast<std::int32_t>(bits >> 40U)) * 0x1p-24F;
    out[j] = half_range * (2 * unit - 1);
  }
}

void start_row(float* row, const std::vector<Stretch>& runs, std::uint64_t key) {
  for (const Stretch& run : runs) {
    float* out = row + run.offset;
    if (run.scale != 0) {
      draw(out, run, key);
    } else {
      std::fill_n(out, run.count, run.value);
    }
  }
}

}  // namespace

void start_rows(float* rows, std::int64_t stride, std::int64_t first, std::int64_t last,
                const std::vector<Stretch>& runs, std::uint64_t seed, std::int64_t n_threads) {
  const std::int64_t total = last - first;
  run_team(std::clamp<std::int64_t>(n_threads, 1, std::max<std::int64_t>(total, 1)),
           [&](const Member& member) {
             member.share(total, [&](std::int64_t from, std::int64_t to) {
               for (std::int64_t i = from; i < to; ++i) {
                 start_row(rows + i * stride, runs,
                           mix(mix(seed) ^ static_cast<std::uint64_t>(first + i)));
               }
             });
           });
}

}  // namespace fieldfare
