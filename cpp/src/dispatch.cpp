// Chooses the instruction set at load, lays out training tables, and spreads work over threads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "fieldfare/kernels.hpp"
#include "fieldfare/threads.hpp"

namespace fieldfare {

namespace {

constexpr Kernels kernel_table[] = {
#ifdef FIELDFARE_HAVE_v3
    {"v3", v3::train, v3::train_pairs, v3::score},
#endif
    {"baseline", baseline::train, baseline::train_pairs, baseline::score},
    {"plain", plain::train, plain::train_pairs, plain::score},
};

const Kernels* best_kernels() {
#ifdef FIELDFARE_HAVE_v3
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  return kernel_table + (v3 ? 0 : 1);
#else
  return kernel_table;
#endif
}

const Kernels* in_use = best_kernels();

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

std::int64_t longest_row(const Rows& rows, const std::int64_t* order, std::int64_t begin,
                         std::int64_t end) {
  std::int64_t longest = 0;
  for (std::int64_t at = begin; at < end; ++at) {
    const std::int64_t row = order == nullptr ? at : order[at];
    if (row < 0 || row >= rows.n_rows) continue;  // refused by the kernel, with its number
    longest = std::max(longest, rows.indptr[row + 1] - rows.indptr[row]);
  }
  return std::min(longest, rows.n_entries);
}

}  // namespace

const Kernels* all_kernels(int* count) {
  *count = static_cast<int>(std::size(kernel_table));
  return kernel_table;
}

const Kernels& kernels_in_use() { return *in_use; }

bool use_kernels(const char* name) {
  for (const Kernels* kernels = best_kernels(); kernels != std::end(kernel_table); ++kernels) {
    if (std::string_view(kernels->name) == name) {
      in_use = kernels;
      return true;
    }
  }
  return false;
}

std::int64_t padded_factors(std::int64_t n_factors) {
  return n_factors <= 4 ? 4 : round_up(n_factors, 8);
}

Layout layout_of(const Spec& spec) {
  Layout layout;
  const bool pairs = spec.kind != Kind::linear;
  layout.blocks = !pairs ? 0 : spec.kind == Kind::ffm ? spec.n_fields : 1;
  layout.padded_factors = !pairs ? 0 : padded_factors(spec.n_factors);
  layout.slots = spec.rule == Rule::sgd ? 0 : spec.rule == Rule::ftrl ? 2 : 1;
  layout.factor_state = layout.blocks * layout.padded_factors;
  if (spec.kind == Kind::hofm) {
    layout.blocks = static_cast<std::int64_t>(spec.parts.size());
    layout.padded_factors = spec.parts.back().padded_offset + spec.parts.back().padded;
    layout.factor_state = layout.padded_factors;
  }
  const std::int64_t rowwise = spec.kind == Kind::hofm ? layout.blocks : pairs ? 1 : 0;
  const std::int64_t states =
      spec.rule == Rule::rowwise_adagrad ? rowwise : layout.slots * layout.factor_state;
  layout.weight = layout.factor_state + states;
  layout.output_stride = layout.weight + (spec.linear ? 1 + layout.slots : 0);
  layout.used = layout.output_stride * spec.n_outputs;
  const std::int64_t pair_weights = spec.kind == Kind::fwfm ? spec.n_fields * spec.n_fields : 0;
  layout.shared = (1 + pair_weights) * (1 + layout.slots);
  // Rows shorter than a cache line must not straddle one; longer ones begin at one.
  if (layout.used <= 1) {
    layout.stride = 1;
  } else if (layout.used <= 8) {
    layout.stride = layout.used <= 2 ? 2 : layout.used <= 4 ? 4 : 8;
  } else {
    layout.stride = round_up(layout.used, 16);
  }
  return layout;
}

std::int64_t sum_floats(const Spec& spec, std::int64_t longest) {
  const std::int64_t k = padded_factors(spec.n_factors);
  const std::int64_t m = std::min(longest, spec.n_fields);
  std::int64_t sums = 0, once = 0;
  switch (spec.kind) {
    case Kind::linear:
      break;
    case Kind::fm:
      sums = k;
      break;
    case Kind::ffm:
      sums = m * m * k + longest;
      break;
    case Kind::fwfm:
      sums = m * (2 * k + m + 1);
      break;
    case Kind::hofm:
      sums = longest * (spec.parts.back().padded_offset + spec.parts.back().padded);
      once = longest * spec.highest_order() * 8;
      break;
  }
  return round_up(spec.n_outputs * sums + once, 16);
}

std::int64_t field_ints(const Spec& spec, std::int64_t longest) {
  if (!uses_fields(spec.kind)) return 0;
  return round_up(spec.n_fields + 2 + 4 * std::min(longest, spec.n_fields), 16);
}

namespace {

// Left uninitialised: the pages of room that is not needed are never touched.
template <class T>
std::unique_ptr<T[]> room_for(std::int64_t n) {
  return std::unique_ptr<T[]>(new T[static_cast<std::size_t>(n)]);
}

// Fields of two features or more, which models that use fields sum up.
std::int64_t summed(const Spec& spec, std::int64_t n) { return std::min(n / 2, spec.n_fields); }

// What the models keep of a context of so many entries: see their `keep`.
std::int64_t context_floats(const ScoreJob& job, std::int64_t n) {
  const Spec& spec = *job.spec;
  if (job.context == nullptr) return 0;
  switch (spec.kind) {
    case Kind::linear:
      return 0;
    case Kind::fm:
      return spec.n_outputs * 2 * job.view.k;
    case Kind::ffm:
      return spec.n_outputs * summed(spec, n) * spec.n_fields * job.view.factor_block;
    case Kind::fwfm:
      return spec.n_outputs * spec.n_fields * job.view.k;
    case Kind::hofm:
      return spec.n_outputs * spec.highest_order() * job.view.k;
  }
  return 0;
}

// What they need for one row, which may be the context, besides.
std::int64_t row_floats(const ScoreJob& job, std::int64_t longest, std::int64_t of_context) {
  const Spec& spec = *job.spec;
  if (spec.kind == Kind::ffm) return summed(spec, longest) * spec.n_fields * job.view.factor_block;
  if (spec.kind == Kind::fwfm) return summed(spec, std::max(longest, of_context)) * job.view.k;
  return 0;
}

// What one thread needs to score rows of at most `longest` entries.
struct ScoreRoom {
  std::unique_ptr<float[]> floats;
  std::unique_ptr<std::int32_t[]> place;
  std::unique_ptr<FieldEntry[]> entries;
  std::unique_ptr<std::uint32_t[]> ids;
  std::unique_ptr<std::uint16_t[]> fields;

  // Makes the room and points a job to it.
  ScoreRoom(ScoreJob& job, std::int64_t longest) {
    const Spec& spec = *job.spec;
    const bool has_fields = uses_fields(spec.kind);
    const std::int64_t of_context =
        job.context == nullptr ? 0 : job.context->indptr[1] - job.context->indptr[0];
    const std::int64_t sums =
        context_floats(job, of_context) + row_floats(job, longest, of_context);
    longest = std::max(longest, of_context);
    job.entry_capacity = of_context + longest;
    floats = room_for<float>(2 * spec.n_outputs + longest + sums);
    place = room_for<std::int32_t>(has_fields ? spec.n_fields : 0);
    entries = room_for<FieldEntry>(has_fields ? spec.n_outputs * job.entry_capacity : 0);
    ids = room_for<std::uint32_t>(longest);
    fields = room_for<std::uint16_t>(has_fields ? longest : 0);
    job.linear = floats.get();
    job.inside = job.linear + spec.n_outputs;
    job.known_values = job.inside + spec.n_outputs;
    job.sums = job.known_values + longest;
    job.place = place.get();
    job.entries = entries.get();
    job.known_ids = ids.get();
    job.known_fields = fields.get();
  }
};

}  // namespace

// The threads allocate nothing: where memory has run out they could not even report it.
void score(const ScoreJob& job, std::int64_t n_threads) {
  const std::int64_t total = job.end - job.begin;
  n_threads = std::max<std::int64_t>(1, std::min(n_threads, total));
  const std::int64_t longest = longest_row(*job.rows, nullptr, job.begin, job.end);
  std::vector<ScoreJob> parts(static_cast<std::size_t>(n_threads), job);
  std::vector<ScoreRoom> rooms;
  rooms.reserve(parts.size());
  for (ScoreJob& part : parts) rooms.emplace_back(part, longest);
  run_together(n_threads, [&](std::int64_t t, std::int64_t n, Barrier&) {
    ScoreJob& part = parts[static_cast<std::size_t>(t)];
    part.begin = job.begin + total * t / n;
    part.end = job.begin + total * (t + 1) / n;
    in_use->score(part);
  });
}

}  // namespace fieldfare
