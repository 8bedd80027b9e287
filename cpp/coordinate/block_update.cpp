#include "coordinate/block_update.hpp"

#include <algorithm>
#include <cmath>

namespace fieldfare {

ParameterRow::ParameterRow(const SweepParameters& parameters, const Prior& prior,
                           const Observed& observed, const std::optional<Draws>& draws,
                           std::int64_t n_features, std::int64_t f)
    : prior_(prior),
      noise_precision_(observed.precision),
      linear_(f == linear_row),
      values_(linear_ ? parameters.linear : parameters.factors + f * n_features),
      first_((1 + f) * prior.n_groups) {
  if (draws) draws_ = draws->sub(static_cast<std::uint64_t>(f + 2));
}

float ParameterRow::updated(std::uint32_t id, double num, double den) const {
  const double old = values_[id];
  const std::int64_t at = first_ + (prior_.group == nullptr ? 0 : prior_.group[id]);
  double penalty = prior_.precision[at];
  if (prior_.multiplier != nullptr) penalty *= prior_.multiplier[id];
  const double precision = noise_precision_ * den + penalty;
  if (!(precision > 0)) return static_cast<float>(old);
  double found = (noise_precision_ * (old * den - num) + penalty * prior_.mean[at]) / precision;
  if (draws_) found += draws_->normal(id) / std::sqrt(precision);
  return static_cast<float>(found);
}

void update_on_table(const ParameterRow& row, const Block& block, std::int64_t feature,
                     Moments* moments, Shift* shifts) {
  const Sparse& columns = block.columns;
  const std::int64_t begin = columns.start[feature], end = columns.start[feature + 1];
  const std::uint32_t id = block.features[feature];
  const double v = row.values()[id];
  double num = 0, den = 0;
  for (std::int64_t p = begin; p < end; ++p) {
    const Moments& m = moments[columns.index[p]];
    const double x = columns.value[p], u = x * v;
    num += row.linear() ? x * m.e : x * (m.qe - u * m.e);
    den += x * x * (row.linear() ? m.n : m.qq - u * (2 * m.q - u * m.n));
  }
  const float found = row.updated(id, num, std::max(den, 0.0));
  row.values()[id] = found;
  const double d = static_cast<double>(found) - v;
  for (std::int64_t p = begin; p < end; ++p) {
    Moments& m = moments[columns.index[p]];
    Shift& shift = shifts[columns.index[p]];
    const double x = columns.value[p], t = x * d, u = x * v;
    if (row.linear()) {
      m.e += t * m.n;
      shift.constant += static_cast<float>(t);
      continue;
    }
    // Each row's e grows by t (q - u), then its q by t.
    const double gain = m.q - u * m.n;
    m.qe += t * (m.qq - u * m.q + m.e + t * gain);
    m.e += t * gain;
    m.qq += t * (2 * m.q + t * m.n);
    m.q += t * m.n;
    shift.constant += static_cast<float>(t * (static_cast<double>(shift.by_q) - u));
    shift.by_q += static_cast<float>(t);
  }
}

void update_on_rows(const ParameterRow& row, const Block& block, const Observed& observed,
                    float* q) {
  const Sparse& columns = block.columns;
  float* e = observed.residual;
  for (std::int64_t j = 0; j < std::ssize(block.features); ++j) {
    const std::int64_t begin = columns.start[j], end = columns.start[j + 1];
    const std::uint32_t id = block.features[j];
    const float v = row.values()[id];
    const auto slope = [&](std::int64_t p) {
      const float x = columns.value[p];
      return row.linear() ? x : x * (q[columns.index[p]] - x * v);
    };
    double num = 0, den = 0;
    for (std::int64_t p = begin; p < end; ++p) {
      const std::int64_t i = columns.index[p];
      const double h = slope(p), wh = (observed.weight == nullptr ? 1 : observed.weight[i]) * h;
      num += wh * e[i];
      den += wh * h;
    }
    const float found = row.updated(id, num, den), d = found - v;
    row.values()[id] = found;
    for (std::int64_t p = begin; p < end; ++p) {
      e[columns.index[p]] += slope(p) * d;
      if (!row.linear()) q[columns.index[p]] += columns.value[p] * d;
    }
  }
}

}  // namespace fieldfare
