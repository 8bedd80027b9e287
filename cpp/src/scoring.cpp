// The scoring kernels: scores of rows under every model. Compiled once an instruction set, under
// the namespace FIELDFARE_ISA.
#include "fieldfare/kernels.hpp"
#include "fieldfare/models.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

// Drops the entries whose feature or field the model does not know.
Sample known_part(const Sample& sample, const ScoreJob& job) {
  auto* ids = const_cast<std::uint32_t*>(job.known.indices);
  auto* values = const_cast<float*>(job.known.values);
  auto* fields = const_cast<std::uint16_t*>(job.known.fields);
  Sample kept = sample;
  kept.n = 0;
  for (std::int64_t i = 0; i < sample.n; ++i) {
    if (static_cast<std::int64_t>(sample.ids[i]) >= job.view.n_features) continue;
    if (job.spec->kind == Kind::ffm &&
        static_cast<std::int64_t>(sample.fields[i]) >= job.spec->n_fields) {
      continue;
    }
    ids[kept.n] = sample.ids[i];
    if (sample.values != nullptr) values[kept.n] = sample.values[i];
    if (sample.fields != nullptr) fields[kept.n] = sample.fields[i];
    ++kept.n;
  }
  kept.ids = ids;
  if (sample.values != nullptr) kept.values = values;
  if (sample.fields != nullptr) kept.fields = fields;
  return kept;
}

// A sample that lost unknown entries is scaled by the length of what is left.
Sample known_sample(const ScoreJob& job, std::int64_t row) {
  const Sample kept = known_part(sample_at(*job.rows, row, *job.spec), job);
  const std::int64_t indptr[2] = {0, kept.n};
  Rows rows;
  rows.n_rows = 1;
  rows.n_entries = kept.n;
  rows.indptr = indptr;
  rows.indices = kept.ids;
  rows.values = kept.values;
  rows.fields = kept.fields;
  return sample_at(rows, 0, *job.spec);
}

template <class Model>
void scores(const ScoreJob& job) {
  const Rows& rows = *job.rows;
  const Spec& spec = *job.spec;
  Model model(spec, job.scratch, job.field_scratch);
  for (std::int64_t row = job.begin; row < job.end; ++row) {
    const bool known = ids_in_bounds(rows, row, spec, job.view.n_features);
    const Sample sample = known ? sample_at(rows, row, spec) : known_sample(job, row);
    float* out = job.out + row * spec.n_outputs;
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) out[c] = model.score(sample, job.view, c);
  }
}

}  // namespace

void score(const ScoreJob& job) {
  const std::int64_t k = job.view.k;
  switch (job.spec->kind) {
    case Kind::linear:
      return scores<Linear>(job);
    case Kind::fm:
      if (k == 4) return scores<Fm<4>>(job);
      if (k == 8) return scores<Fm<8>>(job);
      if (k == 16) return scores<Fm<16>>(job);
      return scores<Fm<0>>(job);
    case Kind::ffm:
      if (k == 4) return scores<Ffm<4>>(job);
      if (k == 8) return scores<Ffm<8>>(job);
      if (k == 16) return scores<Ffm<16>>(job);
      return scores<Ffm<0>>(job);
  }
}

}  // namespace fieldfare::FIELDFARE_ISA
