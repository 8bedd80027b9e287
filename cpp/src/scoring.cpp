// The scoring kernels: scores of rows under every model, each row alone or beside one context that
// all of them share. Compiled once an instruction set, under the namespace FIELDFARE_ISA.
//
//   score = w_0 + s <w, x> + s^2 pairs,  s = 1, or 1 / |x| with instance normalisation;
//   interactions of t features are multiplied by s^t
//
// Sums run over the values as they are and are scaled at the end. A context is therefore nothing
// but the sums at which each row begins: it is read once, and the scores are exact whatever s is.
#include <algorithm>

#include "fieldfare/kernels.hpp"
#include "fieldfare/scored.hpp"
#include "fieldfare/scored_fwfm.hpp"
#include "fieldfare/scored_hofm.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

constexpr std::int64_t cache_line = 64;

// Floats from the first to the last weight of a feature's factors, over all outputs.
std::int64_t factor_span(const Spec& spec, const View& view) {
  if (view.factors == nullptr) return 0;
  const std::int64_t blocks = spec.kind == Kind::ffm ? spec.n_fields : 1;
  return (spec.n_outputs - 1) * view.factor_output + (blocks - 1) * view.factor_block + view.k;
}

// Whether the model knows all of a sample; on the way asks for its part of the arrays. To be called
// a sample ahead.
FIELDFARE_INLINE bool stage(const ScoreJob& job, const Sample& sample, std::int64_t span) {
  const Spec& spec = *job.spec;
  const View& view = job.view;
  bool known = true;
  if (uses_fields(spec.kind)) {
    for (std::int64_t i = 0; i < sample.n; ++i) {
      known &= static_cast<std::int64_t>(sample.fields[i]) < spec.n_fields;
    }
    // A sample of few fields reads few of a feature's blocks: fetching all would cost more.
    if (spec.kind == Kind::ffm && 2 * sample.n < spec.n_fields) span = 0;
  }
  for (std::int64_t i = 0; i < sample.n; ++i) {
    const auto id = static_cast<std::int64_t>(sample.ids[i]);
    if (id >= view.n_features) {
      known = false;
      continue;
    }
    if (view.weights != nullptr) __builtin_prefetch(view.weights + id * view.weight_row);
    if (span == 0) continue;
    const float* factors = view.factors + id * view.factor_row;
    const auto* line = reinterpret_cast<const char*>(factors);
    const char* end = line + span * static_cast<std::int64_t>(sizeof(float));
    line -= reinterpret_cast<std::uintptr_t>(line) % static_cast<std::uintptr_t>(cache_line);
    for (; line < end; line += cache_line) __builtin_prefetch(line);
  }
  return known;
}

// Drops the entries whose feature or field the model does not know.
Sample known_part(const ScoreJob& job, const Sample& sample) {
  const Spec& spec = *job.spec;
  const bool has_fields = uses_fields(spec.kind);
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < sample.n; ++i) {
    if (static_cast<std::int64_t>(sample.ids[i]) >= job.view.n_features) continue;
    if (has_fields && static_cast<std::int64_t>(sample.fields[i]) >= spec.n_fields) continue;
    job.known_ids[n] = sample.ids[i];
    job.known_values[n] = sample.x(i);
    if (has_fields) job.known_fields[n] = sample.fields[i];
    ++n;
  }
  return {n, job.known_ids, job.known_values, job.known_fields};
}

FIELDFARE_INLINE float linear_part(const ScoreJob& job, const Sample& sample, std::int64_t c) {
  const View& view = job.view;
  if (view.weights == nullptr) return 0;
  const float* weights = view.weights + c * view.weight_output;
  return with_values(sample, [&](auto x) {
    const auto term = [&](std::int64_t i) {
      return x(i) * weights[static_cast<std::int64_t>(sample.ids[i]) * view.weight_row];
    };
    float totals[4] = {0, 0, 0, 0};  // an addition need not wait for the one before
    std::int64_t i = 0;
    for (; i + 4 <= sample.n; i += 4) {
      for (int e = 0; e < 4; ++e) totals[e] += term(i + e);
    }
    for (; i < sample.n; ++i) totals[0] += term(i);
    return (totals[0] + totals[1]) + (totals[2] + totals[3]);
  });
}

float squared_length(const Sample& sample) {
  float total = 0;
  for (std::int64_t i = 0; i < sample.n; ++i) total += sample.x(i) * sample.x(i);
  return total;
}

// The interactions of a model, of a sample whose values are multiplied by `scale`. `keep` reads the
// context, of which every later sample is told.
struct NoPairs {
  explicit NoPairs(const ScoreJob&) {}
  void keep(const Sample&, std::int64_t) {}
  FIELDFARE_INLINE float of(const Sample&, std::int64_t, float) { return 0; }
};

// Rendle 2010, eq. 1, in linear time by lemma 3.1:
//   sum_{i<j} <v_i, v_j> x_i x_j = 1/2 sum_d (S_d^2 - Q_d),  S = sum_i x_i v_i, Q = sum_i x_i^2
//   v_i^2.
class FmPairs {
 public:
  explicit FmPairs(const ScoreJob& job) : view_(job.view), sums_(job.sums) {}

  void keep(const Sample& sample, std::int64_t c) {
    float* sums = sums_ + c * 2 * view_.k;
    over_factors(view_.k, [&](auto width, std::int64_t at) {
      return run<width.value>(sample, c, at, nullptr, sums + 2 * at);
    });
    kept_ = true;
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) const {
    const float* sums = kept_ ? sums_ + c * 2 * view_.k : nullptr;
    const float pairs = over_factors(view_.k, [&](auto width, std::int64_t at) {
      return run<width.value>(sample, c, at, sums == nullptr ? nullptr : sums + 2 * at, nullptr);
    });
    return scale * (scale * pairs);
  }

 private:
  // K factors, in registers: S and Q begin at `from` or zero, and end in `to` if it is there.
  template <int K>
  FIELDFARE_INLINE float run(const Sample& sample, std::int64_t c, std::int64_t at,
                             const float* from, float* to) const {
    constexpr int N = lanes_of<K>;
    constexpr int M = K / N;
    Lanes<N> sums[M], squares[M], more_sums[M], more_squares[M];
    for (std::int64_t m = 0; m < M; ++m) {
      sums[m] = from == nullptr ? broadcast<N>(0) : load<N>(from + m * N);
      squares[m] = from == nullptr ? broadcast<N>(0) : load<N>(from + K + m * N);
      more_sums[m] = more_squares[m] = broadcast<N>(0);
    }
    const float* factors = view_.factors + c * view_.factor_output + at;
    with_values(sample, [&](auto x) {
      const auto add = [&](std::int64_t i, Lanes<N>* sum, Lanes<N>* square) {
        const float* v = factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row;
        for (std::int64_t m = 0; m < M; ++m) {
          const Lanes<N> vx = load<N>(v + m * N) * broadcast<N>(x(i));
          sum[m] = sum[m] + vx;
          square[m] = square[m] + vx * vx;
        }
      };
      std::int64_t i = 0;
      for (; i + 2 <= sample.n; i += 2) {  // an addition need not wait for the one before
        add(i, sums, squares);
        add(i + 1, more_sums, more_squares);
      }
      if (i < sample.n) add(i, sums, squares);
    });
    Lanes<N> pairs = broadcast<N>(0);
    for (std::int64_t m = 0; m < M; ++m) {
      sums[m] = sums[m] + more_sums[m];
      squares[m] = squares[m] + more_squares[m];
    }
    for (std::int64_t m = 0; m < M; ++m) {
      if (to != nullptr) store<N>(to + m * N, sums[m]);
      if (to != nullptr) store<N>(to + K + m * N, squares[m]);
      pairs = pairs + (sums[m] * sums[m] - squares[m]);
    }
    return 0.5F * sum<N>(pairs);
  }

  const View& view_;
  float* sums_;  // [n_outputs, 2 k]: S and Q of the context
  bool kept_ = false;
};

// Juan et al. 2016, eq. 4. The features of one field act on other fields by their sum alone: a
// field of several features becomes one entry, the sum of x_i v_i, and the pairs inside it are
// added. What is left is one entry a field, and the sum over pairs of entries.
class FfmPairs {
 public:
  explicit FfmPairs(const ScoreJob& job)
      : view_(job.view),
        n_fields_(job.spec->n_fields),
        has_context_(job.context != nullptr),
        place_(job.place),
        entries_(job.entries),
        capacity_(job.entry_capacity),
        sums_(job.sums),
        inside_(job.inside) {
    std::fill_n(place_, n_fields_, -1);
    std::fill_n(inside_, job.spec->n_outputs, 0.0F);
  }

  void keep(const Sample& sample, std::int64_t c) {
    FieldEntry* entries = entries_ + c * capacity_;
    float inside = 0;
    n_kept_ = collect(sample, c, 0, &inside);
    inside_[c] = inside + pairs(entries, 0, n_kept_);
    sums_ += n_sums_ * sum_floats();  // what comes next must not overwrite these
  }

  FIELDFARE_INLINE float of(const Sample& sample, std::int64_t c, float scale) {
    if (c == 0) side_by_side_ = view_.factor_block == 4 && !has_context_ && one_each(sample);
    if (side_by_side_) return scale * (scale * meet(sample, c));
    float inside = inside_[c];
    const std::int64_t n = collect(sample, c, n_kept_, &inside);
    return scale * (scale * (inside + pairs(entries_ + c * capacity_, n_kept_, n)));
  }

 private:
  std::int64_t sum_floats() const { return n_fields_ * view_.factor_block; }

  // Whether a sample has one feature, of value one, in each of several neighbouring fields.
  FIELDFARE_INLINE static bool one_each(const Sample& sample) {
    bool neighbours = sample.values == nullptr;
    for (std::int64_t i = 1; i < sample.n; ++i) {
      neighbours &= sample.fields[i] == sample.fields[0] + i;
    }
    return neighbours;
  }

  // The pairs of such a sample where vectors are of four factors: two blocks of four factors fill
  // the lanes, so that four pairs, of the features a, a + 1 and b, b + 1, meet at once.
  FIELDFARE_INLINE float meet(const Sample& sample, std::int64_t c) const {
    const std::int64_t n = sample.n;
    if (n == 0) return 0;
    const float* factors =
        view_.factors + c * view_.factor_output + std::int64_t{4} * sample.fields[0];
    FieldEntry* entries = entries_;
    for (std::int64_t i = 0; i < n; ++i) {
      entries[i].v = factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row;
    }
    Lanes<8> met = broadcast<8>(0), more = met;
    Lanes<4> alone = broadcast<4>(0);
    const auto pair = [&](std::int64_t a, std::int64_t b) {
      alone = alone + load<4>(entries[a].v + 4 * b) * load<4>(entries[b].v + 4 * a);
    };
    for (std::int64_t a = 0; a + 1 < n; a += 2) {
      const float *own = entries[a].v, *next = entries[a + 1].v;
      std::int64_t b = a + 2;
      for (; b + 2 <= n; b += 2) {
        Lanes<8> q = load<8>(entries[b].v + 4 * a), q_next = load<8>(entries[b + 1].v + 4 * a);
        cross(q, q_next);
        met = met + load<8>(own + 4 * b) * q;
        more = more + load<8>(next + 4 * b) * q_next;
      }
      pair(a, a + 1);
      if (b < n) {
        pair(a, b);
        pair(a + 1, b);
      }
    }
    return sum<8>(met + more) + sum<4>(alone);
  }

  // Appends the fields of a sample to the first `n` entries and returns how many there are then.
  FIELDFARE_INLINE std::int64_t collect(const Sample& sample, std::int64_t c, std::int64_t n,
                                        float* inside) {
    FieldEntry* entries = entries_ + c * capacity_;
    const float* factors = view_.factors + c * view_.factor_output;
    const std::int64_t first = n;
    n_sums_ = 0;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int32_t field = sample.fields[i];
      if (place_[field] >= 0) continue;
      place_[field] = static_cast<std::int32_t>(n);
      entries[n++] = entry_of(sample, i, factors);
    }
    if (n - first < sample.n) *inside += add_repeats(sample, factors, entries, first, n);
    for (std::int64_t i = 0; i < sample.n; ++i) place_[sample.fields[i]] = -1;
    return n;
  }

  // Sums up the fields of several features; returns the pairs inside them.
  float add_repeats(const Sample& sample, const float* factors, FieldEntry* entries,
                    std::int64_t first, std::int64_t n) {
    const auto square = [&](const FieldEntry& entry) {
      const float* own = entry.v + entry.block;
      return entry.x * entry.x * dot<0>(own, own, view_.k);
    };
    float squares = 0, total = 0;
    std::int64_t next = first;
    for (std::int64_t i = 0; i < sample.n; ++i) {
      const std::int64_t at = place_[sample.fields[i]];
      if (at == next) {  // the feature that the entry was made of
        ++next;
        continue;
      }
      FieldEntry& entry = entries[at];
      const FieldEntry repeat = entry_of(sample, i, factors);
      if (entry.sum == nullptr) {
        float* sum = sums_ + n_sums_++ * sum_floats();
        squares += square(entry);
        over_blocks(entries, n,
                    [&](std::int64_t b) { scale_to<0>(sum + b, entry.x, entry.v + b, view_.k); });
        entry = {sum, sum, entry.block, 1};
      }
      squares += square(repeat);
      over_blocks(entries, n, [&](std::int64_t b) {
        add_scaled<0>(entry.sum + b, repeat.x, repeat.v + b, view_.k);
      });
    }
    for (std::int64_t a = first; a < n; ++a) {
      if (entries[a].sum != nullptr) total += square(entries[a]);
    }
    return 0.5F * (total - squares);
  }

  FieldEntry entry_of(const Sample& sample, std::int64_t i, const float* factors) const {
    return {factors + static_cast<std::int64_t>(sample.ids[i]) * view_.factor_row, nullptr,
            sample.fields[i] * view_.factor_block, sample.x(i)};
  }

  // The blocks that may be read, each once: those of the fields that are there, but all with a
  // context, which does not know what it will meet, and whose fields may return in the sample.
  template <class Visit>
  void over_blocks(const FieldEntry* entries, std::int64_t n, Visit visit) const {
    if (has_context_) {
      for (std::int64_t field = 0; field < n_fields_; ++field) visit(field * view_.factor_block);
    } else {
      for (std::int64_t a = 0; a < n; ++a) visit(entries[a].block);
    }
  }

  // The pairs of n entries of which the first `done` are paired already.
  FIELDFARE_INLINE float pairs(const FieldEntry* entries, std::int64_t done, std::int64_t n) const {
    return over_factors(view_.k, [&](auto width, std::int64_t at) {
      constexpr int K = width.value;
      constexpr int N = lanes_of<K>;
      Lanes<N> total = broadcast<N>(0);
      for (std::int64_t i = 0; i < n; ++i) {
        const FieldEntry a = entries[i];
        Lanes<N> towards = broadcast<N>(0);
        for (std::int64_t j = std::max(i + 1, done); j < n; ++j) {
          const FieldEntry& b = entries[j];
          const Lanes<N> x = broadcast<N>(b.x);
          for (std::int64_t d = 0; d < K; d += N) {
            towards =
                towards + x * load<N>(a.v + b.block + at + d) * load<N>(b.v + a.block + at + d);
          }
        }
        total = total + broadcast<N>(a.x) * towards;
      }
      return sum<N>(total);
    });
  }

  const View& view_;
  std::int64_t n_fields_;
  bool has_context_;
  std::int32_t* place_;  // [n_fields]: field -> entry of the sample at hand, or -1
  FieldEntry* entries_;  // [n_outputs, capacity]: those of the context, then of the sample
  std::int64_t capacity_;
  float* sums_;    // room for the fields of several features
  float* inside_;  // [n_outputs]: pairs inside the context
  std::int64_t n_sums_ = 0;
  std::int64_t n_kept_ = 0;  // entries of the context, the same for all outputs
  bool side_by_side_ = false;
};

template <class Pairs>
void scores(const ScoreJob& job) {
  const Spec& spec = *job.spec;
  const std::int64_t span = factor_span(spec, job.view);
  const auto known_sample = [&](const Sample& sample, bool known) {
    return known ? sample : known_part(job, sample);
  };
  Pairs pairs(job);
  std::fill_n(job.linear, spec.n_outputs, 0.0F);
  float squares = 0;
  if (job.context != nullptr) {
    const Sample given = sample_at(*job.context, 0);
    const Sample sample = known_sample(given, stage(job, given, span));
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) {
      job.linear[c] = linear_part(job, sample, c);
      pairs.keep(sample, c);
    }
    squares = squared_length(sample);
  }
  const Rows& rows = *job.rows;
  bool known = job.begin < job.end && stage(job, sample_at(rows, job.begin), span);
  for (std::int64_t row = job.begin; row < job.end; ++row) {
    const bool next_known = row + 1 < job.end && stage(job, sample_at(rows, row + 1), span);
    const Sample sample = known_sample(sample_at(rows, row), known);
    known = next_known;
    float scale = 1;
    if (spec.instance_norm) {
      const float length = std::sqrt(squares + squared_length(sample));
      scale = length > 0 ? 1.0F / length : 0.0F;
    }
    float* out = job.out + row * spec.n_outputs;
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) {
      const float linear = scale * (job.linear[c] + linear_part(job, sample, c));
      out[c] = job.view.bias[c * job.view.bias_output] + linear + pairs.of(sample, c, scale);
    }
  }
}

}  // namespace

void score(const ScoreJob& job) {
  switch (job.spec->kind) {
    case Kind::linear:
      return scores<NoPairs>(job);
    case Kind::fm:
      return scores<FmPairs>(job);
    case Kind::ffm:
      return scores<FfmPairs>(job);
    case Kind::fwfm:
      return scores<FwfmPairs>(job);
    case Kind::hofm:
      return scores<HofmKernels>(job);
  }
}

}  // namespace fieldfare::FIELDFARE_ISA
