// Chooses the instruction set at load, lays out training tables, and spreads work over threads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "fieldfare/kernels.hpp"

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

// Calls work(0) to work(n - 1), each on its own thread as long as there are threads to be had. What
// a thread throws (no memory for its scratch, say) is thrown again here, when all have ended.
template <class Work>
void run_threads(std::int64_t n_threads, Work work) {
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(n_threads));
  const auto guarded = [&](std::int64_t t) noexcept {
    try {
      work(t);
    } catch (...) {
      errors[static_cast<std::size_t>(t)] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(n_threads));
  std::int64_t started = 1;
  try {
    for (; started < n_threads; ++started) threads.emplace_back(guarded, started);
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // The parts that got no thread are done below.
  }
  guarded(0);
  for (std::int64_t t = started; t < n_threads; ++t) guarded(t);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
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

Layout layout_of(const Spec& spec) {
  Layout layout;
  const bool pairs = spec.kind != Kind::linear;
  layout.blocks = !pairs ? 0 : spec.kind == Kind::ffm ? spec.n_fields : 1;
  layout.padded_factors = !pairs ? 0 : spec.n_factors <= 4 ? 4 : round_up(spec.n_factors, 8);
  layout.slots = spec.rule == Rule::sgd ? 0 : spec.rule == Rule::ftrl ? 2 : 1;
  layout.factor_state = layout.blocks * layout.padded_factors;
  const std::int64_t states =
      spec.rule == Rule::rowwise_adagrad ? layout.blocks : layout.slots * layout.factor_state;
  layout.weight = layout.factor_state + states;
  layout.output_stride = layout.weight + (spec.linear ? 1 + layout.slots : 0);
  layout.used = layout.output_stride * spec.n_outputs;
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

std::int64_t scratch_floats(const Spec& spec, std::int64_t longest) {
  const std::int64_t padded = round_up(spec.n_factors, 8);
  const std::int64_t present = std::min(longest, spec.n_fields);
  const std::int64_t sums = spec.kind == Kind::linear ? 0
                            : spec.kind == Kind::fm   ? padded
                                                      : present * present * padded;
  return spec.n_outputs * (1 + sums) + 16;
}

std::int64_t field_scratch_ints(const Spec& spec, std::int64_t longest) {
  if (spec.kind != Kind::ffm) return 0;
  return spec.n_fields * 2 + std::min(longest, spec.n_fields);
}

// Each thread takes a run of the order. The table is shared without locks (Hogwild: Niu et al.
// 2011); the bias, which every sample moves, is private and merged at the end: steps are averaged,
// and state, which sums over samples, is added up. One thread therefore does exactly what plain SGD
// does.
Outcome train(TrainJob job, std::int64_t n_threads) {
  const Spec& spec = *job.spec;
  const std::int64_t total = job.end - job.begin;
  n_threads = std::max<std::int64_t>(1, std::min(n_threads, total));
  const std::int64_t width = 1 + job.layout->slots;
  const std::int64_t longest = longest_row(*job.rows, job.order, job.begin, job.end);
  const std::int64_t floats = round_up(scratch_floats(spec, longest), 16);
  const std::int64_t ints = round_up(field_scratch_ints(spec, longest), 16);
  std::vector<float> scratch(static_cast<std::size_t>(floats * n_threads));
  std::vector<std::int32_t> field_scratch(static_cast<std::size_t>(ints * n_threads));
  const std::int64_t bias_floats = spec.n_outputs * width;
  std::vector<float> biases(static_cast<std::size_t>(round_up(bias_floats, 16) * n_threads));
  std::vector<Outcome> outcomes(static_cast<std::size_t>(n_threads));

  run_threads(n_threads, [&](std::int64_t t) {
    TrainJob part = job;
    part.begin = job.begin + total * t / n_threads;
    part.end = job.begin + total * (t + 1) / n_threads;
    part.scratch = scratch.data() + t * floats;
    part.field_scratch = field_scratch.data() + t * ints;
    part.bias = biases.data() + t * round_up(bias_floats, 16);
    std::copy_n(job.bias, bias_floats, part.bias);
    outcomes[static_cast<std::size_t>(t)] = in_use->train(part);
  });

  for (std::int64_t i = 0; i < bias_floats; ++i) {
    if (n_threads == 1) {
      job.bias[i] = biases[static_cast<std::size_t>(i)];
      continue;
    }
    double moved = 0;
    for (std::int64_t t = 0; t < n_threads; ++t) {
      moved += biases[static_cast<std::size_t>(t * round_up(bias_floats, 16) + i)] - job.bias[i];
    }
    if (i % width == 0) moved /= static_cast<double>(n_threads);
    job.bias[i] += static_cast<float>(moved);
  }
  Outcome outcome;
  for (const Outcome& part : outcomes) {
    outcome.loss += part.loss;
    outcome.weight += part.weight;
    if (!outcome.bad_row) outcome.bad_row = part.bad_row;
  }
  return outcome;
}

// As for single rows; a pair needs the scratch of two, and there is no bias to merge.
Outcome train_pairs(TrainJob job, std::int64_t n_threads) {
  const Spec& spec = *job.spec;
  const std::int64_t total = job.end - job.begin;
  n_threads = std::max<std::int64_t>(1, std::min(n_threads, total));
  const std::int64_t longest = longest_row(*job.rows, job.order, 2 * job.begin, 2 * job.end);
  const std::int64_t floats = 2 * round_up(scratch_floats(spec, longest), 16);
  const std::int64_t ints = 2 * round_up(field_scratch_ints(spec, longest), 16);
  std::vector<float> scratch(static_cast<std::size_t>(floats * n_threads));
  std::vector<std::int32_t> field_scratch(static_cast<std::size_t>(ints * n_threads));
  std::vector<Outcome> outcomes(static_cast<std::size_t>(n_threads));
  run_threads(n_threads, [&](std::int64_t t) {
    TrainJob part = job;
    part.begin = job.begin + total * t / n_threads;
    part.end = job.begin + total * (t + 1) / n_threads;
    part.scratch = scratch.data() + t * floats;
    part.field_scratch = field_scratch.data() + t * ints;
    part.scratch_floats = floats / 2;
    part.field_scratch_ints = ints / 2;
    outcomes[static_cast<std::size_t>(t)] = in_use->train_pairs(part);
  });
  Outcome outcome;
  for (const Outcome& part : outcomes) {
    outcome.loss += part.loss;
    outcome.weight += part.weight;
    if (!outcome.bad_row) outcome.bad_row = part.bad_row;
  }
  return outcome;
}

void score(ScoreJob job, std::int64_t n_threads) {
  const std::int64_t total = job.end - job.begin;
  n_threads = std::max<std::int64_t>(1, std::min(n_threads, total));
  const std::int64_t longest = longest_row(*job.rows, nullptr, job.begin, job.end);
  const auto row = static_cast<std::size_t>(std::max<std::int64_t>(longest, 1));
  run_threads(n_threads, [&](std::int64_t t) {
    std::vector<float> scratch(static_cast<std::size_t>(scratch_floats(*job.spec, longest)));
    std::vector<std::int32_t> field_scratch(
        static_cast<std::size_t>(field_scratch_ints(*job.spec, longest)));
    std::vector<std::uint32_t> ids(row);
    std::vector<float> values(row);
    std::vector<std::uint16_t> fields(row);
    ScoreJob part = job;
    part.begin = job.begin + total * t / n_threads;
    part.end = job.begin + total * (t + 1) / n_threads;
    part.scratch = scratch.data();
    part.field_scratch = field_scratch.data();
    part.known.indices = ids.data();
    part.known.values = values.data();
    part.known.fields = fields.data();
    in_use->score(part);
  });
}

namespace {

std::uint64_t mix(std::uint64_t x) {  // SplitMix64 (Steele, Lea & Flood 2014)
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

}  // namespace

// Uniform with standard deviation `scale`. Each number depends on its own place only, so that a
// table grown later equals one made large at once.
void init_factors(float* out, std::int64_t first, std::int64_t last, std::int64_t width,
                  std::uint64_t seed, float scale) {
  const float half_range = scale * std::numbers::sqrt3_v<float>;
  for (std::int64_t feature = first; feature < last; ++feature) {
    const std::uint64_t key = mix(mix(seed) ^ static_cast<std::uint64_t>(feature));
    for (std::int64_t j = 0; j < width; ++j) {
      const std::uint64_t bits = mix(key + static_cast<std::uint64_t>(j));
      const float unit = static_cast<float>(bits >> 40U) * 0x1p-24F;  // [0, 1)
      *out++ = half_range * (2 * unit - 1);
    }
  }
}

}  // namespace fieldfare
