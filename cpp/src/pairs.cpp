// The ranking kernels: one epoch over pairs of samples for every (model, rule). Compiled once an
// instruction set, under the namespace FIELDFARE_ISA.
#include "fieldfare/kernels.hpp"
#include "fieldfare/models.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

constexpr std::int64_t cache_line = 16;  // floats

// Checks a row ahead of its use and asks for its part of the table.
FIELDFARE_INLINE bool stage(const TrainJob& job, std::int64_t row) {
  const Rows& rows = *job.rows;
  const Spec& spec = *job.spec;
  if (!row_in_bounds(rows, row) || !ids_in_bounds(rows, row, spec, job.n_features)) return false;
  const std::int64_t begin = rows.indptr[row], end = rows.indptr[row + 1];
  if (spec.kind == Kind::ffm && 2 * (end - begin) < spec.n_fields) return true;
  for (std::int64_t p = begin; p < end; ++p) {
    const float* row_start =
        job.table + static_cast<std::int64_t>(rows.indices[p]) * job.layout->stride;
    for (std::int64_t d = 0; d < job.layout->used; d += cache_line) {
      __builtin_prefetch(row_start + d, 1, 3);
    }
  }
  return true;
}

// Stages a pair; returns the row that must be refused, if there is one.
FIELDFARE_INLINE std::optional<std::int64_t> stage_pair(const TrainJob& job, std::int64_t at) {
  for (std::int64_t side = 0; side < 2; ++side) {
    const std::int64_t row = job.order[2 * at + side];
    if (!stage(job, row)) return row;
  }
  return std::nullopt;
}

// Turns the difference of two scores into d loss / d difference and returns the loss.
FIELDFARE_INLINE double loss_of(Loss loss, float& apart) {
  const float z = apart;
  if (loss == Loss::hinge) {
    apart = z < 1 ? -1.0F : 0.0F;
    return z < 1 ? 1.0 - z : 0.0;
  }
  const float e = std::exp(-std::fabs(z));
  apart = (z >= 0 ? -e : -1.0F) / (1.0F + e);
  return static_cast<double>(std::log1p(e)) + (z < 0 ? -z : 0.0F);
}

// The parameters that cancel in a difference of scores, such as the bias, are not read.
View view_of(const TrainJob& job) {
  const Layout& layout = *job.layout;
  View view;
  view.n_features = job.n_features;
  if (job.spec->linear) view.weights = job.table + layout.weight;
  view.weight_row = view.factor_row = layout.stride;
  view.weight_output = view.factor_output = layout.output_stride;
  view.factors = job.table;
  view.factor_block = view.k = layout.padded_factors;
  return view;
}

template <class Model, class Rule>
Outcome epoch(const TrainJob& job) {
  const Rows& rows = *job.rows;
  const Spec& spec = *job.spec;
  const Table table{job.table, *job.layout, spec};
  const View view = view_of(job);
  // Each keeps the sums of its own sample until both are scored.
  Model better(spec, job.scratch, job.field_scratch);
  Model worse(spec, job.scratch + job.scratch_floats, job.field_scratch + job.field_scratch_ints);
  Outcome outcome;
  if (job.begin < job.end) outcome.bad_row = stage_pair(job, job.begin);
  for (std::int64_t at = job.begin; at < job.end && !outcome.bad_row; ++at) {
    if (at + 1 < job.end) outcome.bad_row = stage_pair(job, at + 1);
    const std::int64_t i = job.order[2 * at], j = job.order[2 * at + 1];
    const float weight = rows.weight == nullptr ? 1.0F : std::sqrt(rows.weight[i] * rows.weight[j]);
    if (weight == 0) continue;
    const Sample high = sample_at(rows, i, spec), low = sample_at(rows, j, spec);
    float g = better.score(high, view, 0) - worse.score(low, view, 0);
    outcome.loss += weight * loss_of(spec.loss, g);
    outcome.weight += weight;
    if (g == 0) continue;
    better.template update<Rule>(high, table, 0, weight * g);
    worse.template update<Rule>(low, table, 0, -weight * g);
  }
  return outcome;
}

template <class Model>
Outcome train_by_rule(const TrainJob& job) {
  switch (job.spec->rule) {
    case Rule::adagrad:
      return epoch<Model, AdaGrad>(job);
    case Rule::rowwise_adagrad:
      return epoch<Model, RowwiseAdaGrad>(job);
    case Rule::sgd:
      return epoch<Model, Sgd>(job);
    case Rule::ftrl:
      return epoch<Model, Ftrl>(job);
  }
  return {};
}

}  // namespace

Outcome train_pairs(const TrainJob& job) {
  const std::int64_t k = job.layout->padded_factors;
  switch (job.spec->kind) {
    case Kind::linear:
      return train_by_rule<Linear>(job);
    case Kind::fm:
      if (k == 4) return train_by_rule<Fm<4>>(job);  // narrower than the lanes of Fm<0>
      if (k == 8) return train_by_rule<Fm<8>>(job);
      if (k == 16) return train_by_rule<Fm<16>>(job);
      return train_by_rule<Fm<0>>(job);
    case Kind::ffm:
      if (k == 4) return train_by_rule<Ffm<4>>(job);
      if (k == 8) return train_by_rule<Ffm<8>>(job);
      return train_by_rule<Ffm<0>>(job);
  }
  return {};
}

}  // namespace fieldfare::FIELDFARE_ISA
