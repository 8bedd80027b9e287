// The scoring kernels: scores of rows under every model, each row alone or beside one context that
// all of them share. Compiled once per instruction set, under the namespace FIELDFARE_ISA.
//
//   score = w_0 + s <w, x> + s^2 pairs,  s = 1, or 1 / |x| with instance normalisation;
//   interactions of t features are multiplied by s^t
//
// The length is that of the entries that the model knows, or with norm_unknown that of all entries.
// Sums run over the values as they are and are scaled at the end. A context is therefore nothing
// but the sums at which each row begins: it is read once, and the scores are exact whatever s is.
#include <algorithm>
#include <cmath>

#include "common/lines.hpp"
#include "isa/kernels.hpp"
#include "models/kinds.hpp"
#include "scoring/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

// Floats from the first to the last weight of a feature's factors, over all outputs.
template <class Model>
std::int64_t factor_span(const Spec& spec, const View& view) {
  if (view.factors == nullptr) return 0;
  const std::int64_t blocks = Model::has_vector_per_field ? spec.n_fields : 1;
  return (spec.n_outputs - 1) * view.factor_output + (blocks - 1) * view.factor_block + view.k;
}

// Whether the model knows all of a sample; on the way asks for its part of the arrays. To be called
// a sample ahead.
template <class Model>
FIELDFARE_INLINE bool stage(const ScoreJob& job, const Sample& sample, std::int64_t span) {
  const Spec& spec = *job.spec;
  const View& view = job.view;
  bool known = true;
  if constexpr (Model::uses_fields) {
    for (std::int64_t i = 0; i < sample.n; ++i) {
      known &= static_cast<std::int64_t>(sample.fields[i]) < spec.n_fields;
    }
    // A sample of few fields reads few of a feature's blocks: fetching all would cost more.
    if (Model::has_vector_per_field && 2 * sample.n < spec.n_fields) span = 0;
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
    line -= reinterpret_cast<std::uintptr_t>(line) % cache_line;
    for (; line < end; line += cache_line) __builtin_prefetch(line);
  }
  return known;
}

// Drops the entries whose feature or field the model does not know.
template <class Model>
Sample known_part(const ScoreJob& job, const Sample& sample) {
  const Spec& spec = *job.spec;
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < sample.n; ++i) {
    if (static_cast<std::int64_t>(sample.ids[i]) >= job.view.n_features) continue;
    if (Model::uses_fields && static_cast<std::int64_t>(sample.fields[i]) >= spec.n_fields)
      continue;
    job.known_ids[n] = sample.ids[i];
    job.known_values[n] = sample.x(i);
    if (Model::uses_fields) job.known_fields[n] = sample.fields[i];
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

template <class Model>
void scores(const ScoreJob& job) {
  const Spec& spec = *job.spec;
  const std::int64_t span = factor_span<Model>(spec, job.view);
  const auto known_sample = [&](const Sample& sample, bool known) {
    return known ? sample : known_part<Model>(job, sample);
  };
  const auto squares_of = [&](const Sample& given, const Sample& sample) {
    return squared_length(spec.norm_unknown ? given : sample);
  };
  typename Model::Scoring interactions(job);
  std::fill_n(job.linear, spec.n_outputs, 0.0F);
  float squares = 0;
  if (job.context != nullptr) {
    const Sample given = sample_at(*job.context, 0);
    const Sample sample = known_sample(given, stage<Model>(job, given, span));
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) {
      job.linear[c] = linear_part(job, sample, c);
      interactions.keep(sample, c);
    }
    squares = squares_of(given, sample);
  }
  const Rows& rows = *job.rows;
  bool known = job.begin < job.end && stage<Model>(job, sample_at(rows, job.begin), span);
  for (std::int64_t row = job.begin; row < job.end; ++row) {
    const bool next_known = row + 1 < job.end && stage<Model>(job, sample_at(rows, row + 1), span);
    const Sample given = sample_at(rows, row);
    const Sample sample = known_sample(given, known);
    known = next_known;
    float scale = 1;
    if (spec.instance_norm) {
      const float length = std::sqrt(squares + squares_of(given, sample));
      scale = length > 0 ? 1.0F / length : 0.0F;
    }
    float* out = job.out + row * spec.n_outputs;
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) {
      const float linear = scale * (job.linear[c] + linear_part(job, sample, c));
      out[c] = job.view.bias[c * job.view.bias_output] + linear + interactions.of(sample, c, scale);
    }
  }
}

}  // namespace

void score_rows(const ScoreJob& job) {
  with_model(*job.spec, [&]<class Model>() { scores<Model>(job); });
}

}  // namespace fieldfare::FIELDFARE_ISA
