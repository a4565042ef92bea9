// Attributes: the plain values that belong to one opcode, as small structs.  Each struct lists its
// fields once, in VisitFields; printing, parsing, equality, hashing and cloning visit that list.
//
// Called computations, sharding, metadata, frontend attributes and backend_config are fields of
// Instruction.
#ifndef INGOT_IR_ATTRIBUTES_H_
#define INGOT_IR_ATTRIBUTES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ir/base/shape.h"
#include "ir/literal.h"
#include "ir/opcode.h"

namespace ingot {

// ---- values that attributes are made of

// One dimension of a window (XLA's WindowDimension): which input elements one output element sees.
struct WindowDimension {
  int64_t size = 1;
  int64_t stride = 1;
  int64_t padding_low = 0;      // may be negative
  int64_t padding_high = 0;     // may be negative
  int64_t base_dilation = 1;    // lhs_dilate: holes between input elements
  int64_t window_dilation = 1;  // rhs_dilate: holes between window elements
  bool reversal = false;        // rhs_reversal
  bool operator==(const WindowDimension&) const = default;
};
// window={size=3x3 stride=2x2 pad=1_1x1_1 lhs_dilate=... rhs_dilate=... rhs_reversal=...}
struct Window {
  std::vector<WindowDimension> dimensions;
  bool operator==(const Window&) const = default;
};

// padding=low_high[_interior]x...; low and high may be negative.
struct PaddingDimension {
  int64_t low = 0;
  int64_t high = 0;
  int64_t interior = 0;
  bool operator==(const PaddingDimension&) const = default;
};
using Padding = std::vector<PaddingDimension>;

// slice={[start:limit:stride], ...}
struct SliceDimension {
  int64_t start = 0;
  int64_t limit = 0;
  int64_t stride = 1;
  bool operator==(const SliceDimension&) const = default;
};
using SliceDimensions = std::vector<SliceDimension>;

// dim_labels=b01f_01io->b01f: which dimension of input, kernel and output plays which role.
struct ConvolutionDimensions {
  int64_t input_batch = 0;
  int64_t input_feature = 0;
  std::vector<int64_t> input_spatial;
  int64_t kernel_input_feature = 0;
  int64_t kernel_output_feature = 0;
  std::vector<int64_t> kernel_spatial;
  int64_t output_batch = 0;
  int64_t output_feature = 0;
  std::vector<int64_t> output_spatial;
  bool operator==(const ConvolutionDimensions&) const = default;
};

// Text kept as it was read, brackets and quotes included, for what means nothing to us: replica
// groups, meshes, … Empty where absent.
struct Verbatim {
  std::string text;
  bool operator==(const Verbatim&) const = default;
};

enum class ComparisonDirection : uint8_t { kEq, kNe, kGe, kGt, kLe, kLt };
enum class ComparisonType : uint8_t { kDefault, kFloat, kTotalOrder, kSigned, kUnsigned };
enum class ComparisonOrder : uint8_t { kPartial, kTotal };
enum class RngDistribution : uint8_t { kUniform, kNormal };
enum class RngAlgorithm : uint8_t { kDefault, kThreeFry, kPhilox };
enum class FftType : uint8_t { kFft, kIfft, kRfft, kIrfft };
enum class TransposeA : uint8_t { kNoTranspose, kTranspose, kAdjoint };
enum class FusionKind : uint8_t { kLoop, kInput, kOutput, kCustom };
enum class Precision : uint8_t { kDefault, kHigh, kHighest, kPackedNibble };
using Precisions = std::vector<Precision>;  // operand_precision={highest,default}

// How a field behaves in text.
enum class Field : uint8_t {
  kRequired,  // always printed; its absence is an error
  kAlways,    // always printed; its absence means the default
  kOptional,  // printed where it differs from its default
};

// Lists the fields of a struct for VisitFields: visit(name, member, Field).
#define INGOT_ATTRIBUTE_FIELDS(Struct, ...)                                                \
  bool operator==(const Struct&) const = default;                                          \
  template <typename Self, typename Visitor>                                               \
  static void VisitFields([[maybe_unused]] Self& self, [[maybe_unused]] Visitor&& visit) { \
    __VA_ARGS__                                                                            \
  }

// ---- the structs, in the order of opcodes.def

struct NoAttributes {
  INGOT_ATTRIBUTE_FIELDS(NoAttributes)
};

struct ReducePrecisionAttributes {
  int64_t exponent_bits = 0;
  int64_t mantissa_bits = 0;
  INGOT_ATTRIBUTE_FIELDS(ReducePrecisionAttributes,
                         visit("exponent_bits", self.exponent_bits, Field::kRequired);
                         visit("mantissa_bits", self.mantissa_bits, Field::kRequired);)
};

struct CompareAttributes {
  ComparisonDirection direction = ComparisonDirection::kEq;
  ComparisonType type = ComparisonType::kDefault;
  ComparisonOrder order = ComparisonOrder::kPartial;
  INGOT_ATTRIBUTE_FIELDS(CompareAttributes, visit("direction", self.direction, Field::kRequired);
                         visit("type", self.type, Field::kOptional);
                         visit("order", self.order, Field::kOptional);)
};

// broadcast, transpose, reverse, concatenate, reduce, map, get-/set-dimension-size.
struct DimensionsAttributes {
  std::vector<int64_t> dimensions;
  INGOT_ATTRIBUTE_FIELDS(DimensionsAttributes,
                         visit("dimensions", self.dimensions, Field::kRequired);)
};

struct BitcastAttributes {
  Verbatim result_layout;
  Verbatim source_layout;
  INGOT_ATTRIBUTE_FIELDS(BitcastAttributes,
                         visit("result_layout", self.result_layout, Field::kOptional);
                         visit("source_layout", self.source_layout, Field::kOptional);)
};

struct IotaAttributes {
  int64_t iota_dimension = 0;
  INGOT_ATTRIBUTE_FIELDS(IotaAttributes,
                         visit("iota_dimension", self.iota_dimension, Field::kRequired);)
};

struct PadAttributes {
  Padding padding;
  INGOT_ATTRIBUTE_FIELDS(PadAttributes, visit("padding", self.padding, Field::kRequired);)
};

struct ReshapeAttributes {
  std::optional<int64_t> inferred_dimension;
  INGOT_ATTRIBUTE_FIELDS(ReshapeAttributes,
                         visit("inferred_dimension", self.inferred_dimension, Field::kOptional);)
};

struct SliceAttributes {
  SliceDimensions slice;
  INGOT_ATTRIBUTE_FIELDS(SliceAttributes, visit("slice", self.slice, Field::kRequired);)
};

struct BatchNormAttributes {
  double epsilon = 0;
  int64_t feature_index = 0;
  INGOT_ATTRIBUTE_FIELDS(BatchNormAttributes, visit("epsilon", self.epsilon, Field::kRequired);
                         visit("feature_index", self.feature_index, Field::kRequired);)
};

struct WindowAttributes {
  Window window;
  INGOT_ATTRIBUTE_FIELDS(WindowAttributes, visit("window", self.window, Field::kOptional);)
};

// scan: operands are the inputs, then num_carries initial carries; the computation takes (slices of
// the inputs..., carries...) and returns (slices of the outputs..., carries...); the result is
// (outputs..., final carries...).  See ir/infer/reduction.cc.
struct ScanAttributes {
  std::vector<int64_t> dimensions;
  bool is_reverse = false;
  int64_t num_carries = 0;
  std::optional<bool> is_associative;
  INGOT_ATTRIBUTE_FIELDS(ScanAttributes, visit("dimensions", self.dimensions, Field::kRequired);
                         visit("num_carries", self.num_carries, Field::kRequired);
                         visit("is_reverse", self.is_reverse, Field::kOptional);
                         visit("is_associative", self.is_associative, Field::kOptional);)
};

struct ConvolutionAttributes {
  Window window;
  ConvolutionDimensions dim_labels;
  int64_t feature_group_count = 1;
  int64_t batch_group_count = 1;
  Verbatim convolution_kind;  // fprop, wgrad, ...: a hint
  Verbatim sparsity_config;
  Precisions operand_precision;
  INGOT_ATTRIBUTE_FIELDS(ConvolutionAttributes, visit("window", self.window, Field::kOptional);
                         visit("dim_labels", self.dim_labels, Field::kRequired);
                         visit("feature_group_count", self.feature_group_count, Field::kOptional);
                         visit("batch_group_count", self.batch_group_count, Field::kOptional);
                         visit("convolution_kind", self.convolution_kind, Field::kOptional);
                         visit("sparsity_config", self.sparsity_config, Field::kOptional);
                         visit("operand_precision", self.operand_precision, Field::kOptional);)
};

struct DotAttributes {
  std::vector<int64_t> lhs_batch_dims;
  std::vector<int64_t> lhs_contracting_dims;
  std::vector<int64_t> rhs_batch_dims;
  std::vector<int64_t> rhs_contracting_dims;
  Verbatim sparsity;
  Verbatim algorithm;
  Precisions operand_precision;
  INGOT_ATTRIBUTE_FIELDS(DotAttributes,
                         visit("lhs_batch_dims", self.lhs_batch_dims, Field::kOptional);
                         visit("lhs_contracting_dims", self.lhs_contracting_dims, Field::kAlways);
                         visit("rhs_batch_dims", self.rhs_batch_dims, Field::kOptional);
                         visit("rhs_contracting_dims", self.rhs_contracting_dims, Field::kAlways);
                         visit("sparsity", self.sparsity, Field::kOptional);
                         visit("algorithm", self.algorithm, Field::kOptional);
                         visit("operand_precision", self.operand_precision, Field::kOptional);)
};

struct RaggedDotAttributes {
  std::vector<int64_t> lhs_batch_dims;
  std::vector<int64_t> lhs_contracting_dims;
  std::vector<int64_t> rhs_batch_dims;
  std::vector<int64_t> rhs_contracting_dims;
  std::vector<int64_t> lhs_ragged_dims;
  std::vector<int64_t> rhs_group_dims;
  Precisions operand_precision;
  INGOT_ATTRIBUTE_FIELDS(RaggedDotAttributes,
                         visit("lhs_batch_dims", self.lhs_batch_dims, Field::kOptional);
                         visit("lhs_contracting_dims", self.lhs_contracting_dims, Field::kAlways);
                         visit("rhs_batch_dims", self.rhs_batch_dims, Field::kOptional);
                         visit("rhs_contracting_dims", self.rhs_contracting_dims, Field::kAlways);
                         visit("lhs_ragged_dims", self.lhs_ragged_dims, Field::kOptional);
                         visit("rhs_group_dims", self.rhs_group_dims, Field::kOptional);
                         visit("operand_precision", self.operand_precision, Field::kOptional);)
};

struct DynamicSliceAttributes {
  std::vector<int64_t> dynamic_slice_sizes;
  INGOT_ATTRIBUTE_FIELDS(DynamicSliceAttributes,
                         visit("dynamic_slice_sizes", self.dynamic_slice_sizes, Field::kRequired);)
};

struct GatherAttributes {
  std::vector<int64_t> offset_dims;
  std::vector<int64_t> collapsed_slice_dims;
  std::vector<int64_t> start_index_map;
  std::vector<int64_t> operand_batching_dims;
  std::vector<int64_t> start_indices_batching_dims;
  int64_t index_vector_dim = 0;
  std::vector<int64_t> slice_sizes;
  bool indices_are_sorted = false;
  INGOT_ATTRIBUTE_FIELDS(GatherAttributes, visit("offset_dims", self.offset_dims, Field::kRequired);
                         visit("collapsed_slice_dims", self.collapsed_slice_dims, Field::kRequired);
                         visit("start_index_map", self.start_index_map, Field::kRequired);
                         visit("operand_batching_dims", self.operand_batching_dims,
                               Field::kOptional);
                         visit("start_indices_batching_dims", self.start_indices_batching_dims,
                               Field::kOptional);
                         visit("index_vector_dim", self.index_vector_dim, Field::kRequired);
                         visit("slice_sizes", self.slice_sizes, Field::kRequired);
                         visit("indices_are_sorted", self.indices_are_sorted, Field::kOptional);)
};

struct ScatterAttributes {
  std::vector<int64_t> update_window_dims;
  std::vector<int64_t> inserted_window_dims;
  std::vector<int64_t> scatter_dims_to_operand_dims;
  std::vector<int64_t> input_batching_dims;
  std::vector<int64_t> scatter_indices_batching_dims;
  int64_t index_vector_dim = 0;
  bool indices_are_sorted = false;
  bool unique_indices = false;
  INGOT_ATTRIBUTE_FIELDS(
      ScatterAttributes, visit("update_window_dims", self.update_window_dims, Field::kRequired);
      visit("inserted_window_dims", self.inserted_window_dims, Field::kRequired);
      visit("scatter_dims_to_operand_dims", self.scatter_dims_to_operand_dims, Field::kRequired);
      visit("input_batching_dims", self.input_batching_dims, Field::kOptional);
      visit("scatter_indices_batching_dims", self.scatter_indices_batching_dims, Field::kOptional);
      visit("index_vector_dim", self.index_vector_dim, Field::kRequired);
      visit("indices_are_sorted", self.indices_are_sorted, Field::kOptional);
      visit("unique_indices", self.unique_indices, Field::kOptional);)
};

struct SortAttributes {
  std::vector<int64_t> dimensions;
  bool is_stable = false;
  INGOT_ATTRIBUTE_FIELDS(SortAttributes, visit("dimensions", self.dimensions, Field::kRequired);
                         visit("is_stable", self.is_stable, Field::kOptional);)
};

struct TopKAttributes {
  int64_t k = 0;
  bool largest = true;
  bool is_stable = false;  // of equal elements the first go first, which they always do here
  INGOT_ATTRIBUTE_FIELDS(TopKAttributes, visit("k", self.k, Field::kRequired);
                         visit("largest", self.largest, Field::kAlways);
                         visit("is_stable", self.is_stable, Field::kOptional);)
};

struct RngAttributes {
  RngDistribution distribution = RngDistribution::kUniform;
  INGOT_ATTRIBUTE_FIELDS(RngAttributes, visit("distribution", self.distribution, Field::kRequired);)
};

struct RngBitGeneratorAttributes {
  RngAlgorithm algorithm = RngAlgorithm::kDefault;
  INGOT_ATTRIBUTE_FIELDS(RngBitGeneratorAttributes,
                         visit("algorithm", self.algorithm, Field::kRequired);)
};

struct RngStateAttributes {
  int64_t delta = 0;
  INGOT_ATTRIBUTE_FIELDS(RngStateAttributes, visit("delta", self.delta, Field::kRequired);)
};

struct CholeskyAttributes {
  bool lower = false;
  INGOT_ATTRIBUTE_FIELDS(CholeskyAttributes, visit("lower", self.lower, Field::kOptional);)
};

struct FftAttributes {
  FftType fft_type = FftType::kFft;
  std::vector<int64_t> fft_length;
  INGOT_ATTRIBUTE_FIELDS(FftAttributes, visit("fft_type", self.fft_type, Field::kRequired);
                         visit("fft_length", self.fft_length, Field::kRequired);)
};

struct TriangularSolveAttributes {
  bool left_side = false;
  bool lower = false;
  bool unit_diagonal = false;
  std::optional<TransposeA> transpose_a;  // none where not stated: kNoTranspose
  INGOT_ATTRIBUTE_FIELDS(TriangularSolveAttributes,
                         visit("left_side", self.left_side, Field::kOptional);
                         visit("lower", self.lower, Field::kOptional);
                         visit("unit_diagonal", self.unit_diagonal, Field::kOptional);
                         visit("transpose_a", self.transpose_a, Field::kOptional);)
};

// The literal stands between the parentheses of constant(...), not among the attributes.
struct ConstantAttributes {
  Literal literal;
  INGOT_ATTRIBUTE_FIELDS(ConstantAttributes)
};

struct DomainAttributes {
  Verbatim domain;
  INGOT_ATTRIBUTE_FIELDS(DomainAttributes, visit("domain", self.domain, Field::kRequired);)
};

struct TupleIndexAttributes {
  int64_t index = 0;
  INGOT_ATTRIBUTE_FIELDS(TupleIndexAttributes, visit("index", self.index, Field::kRequired);)
};

// The number stands between the parentheses of parameter(0).
struct ParameterAttributes {
  int64_t number = 0;
  std::vector<bool> parameter_replication;
  INGOT_ATTRIBUTE_FIELDS(ParameterAttributes, visit("parameter_replication",
                                                    self.parameter_replication, Field::kOptional);)
};

struct AsyncAttributes {
  std::string async_execution_thread;
  Verbatim output_to_operand_aliasing;
  INGOT_ATTRIBUTE_FIELDS(AsyncAttributes, visit("async_execution_thread",
                                                self.async_execution_thread, Field::kOptional);
                         visit("output_to_operand_aliasing", self.output_to_operand_aliasing,
                               Field::kOptional);)
};

struct CallAttributes {
  bool is_composite = false;
  INGOT_ATTRIBUTE_FIELDS(CallAttributes,
                         visit("is_composite", self.is_composite, Field::kOptional);)
};

struct FusionAttributes {
  FusionKind kind = FusionKind::kLoop;
  Verbatim output_to_operand_aliasing;
  INGOT_ATTRIBUTE_FIELDS(FusionAttributes, visit("kind", self.kind, Field::kRequired);
                         visit("output_to_operand_aliasing", self.output_to_operand_aliasing,
                               Field::kOptional);)
};

// Replica groups and meshes mean nothing to a program for one device: kept as text.
struct CollectiveAttributes {
  std::optional<int64_t> channel_id;
  Verbatim replica_groups;
  bool constrain_layout = false;
  bool use_global_device_ids = false;
  std::vector<int64_t> dimensions;
  INGOT_ATTRIBUTE_FIELDS(CollectiveAttributes,
                         visit("channel_id", self.channel_id, Field::kOptional);
                         visit("replica_groups", self.replica_groups, Field::kOptional);
                         visit("constrain_layout", self.constrain_layout, Field::kOptional);
                         visit("use_global_device_ids", self.use_global_device_ids,
                               Field::kOptional);
                         visit("dimensions", self.dimensions, Field::kOptional);)
};

struct AllGatherAttributes {
  std::optional<int64_t> channel_id;
  Verbatim replica_groups;
  bool constrain_layout = false;
  std::vector<int64_t> dimensions;
  bool use_global_device_ids = false;
  INGOT_ATTRIBUTE_FIELDS(AllGatherAttributes,
                         visit("channel_id", self.channel_id, Field::kOptional);
                         visit("replica_groups", self.replica_groups, Field::kOptional);
                         visit("constrain_layout", self.constrain_layout, Field::kOptional);
                         visit("dimensions", self.dimensions, Field::kRequired);
                         visit("use_global_device_ids", self.use_global_device_ids,
                               Field::kOptional);)
};

struct CollectivePermuteAttributes {
  std::optional<int64_t> channel_id;
  Verbatim source_target_pairs;
  Verbatim slice_sizes;
  INGOT_ATTRIBUTE_FIELDS(CollectivePermuteAttributes,
                         visit("channel_id", self.channel_id, Field::kOptional);
                         visit("source_target_pairs", self.source_target_pairs, Field::kRequired);
                         visit("slice_sizes", self.slice_sizes, Field::kOptional);)
};

struct CopyStartAttributes {
  std::optional<int64_t> cross_program_prefetch_index;
  INGOT_ATTRIBUTE_FIELDS(CopyStartAttributes,
                         visit("cross_program_prefetch_index", self.cross_program_prefetch_index,
                               Field::kOptional);)
};

// The only escape hatch: opaque to every pass.
struct CustomCallAttributes {
  std::optional<Window> window;
  std::optional<ConvolutionDimensions> dim_labels;
  int64_t feature_group_count = 1;
  int64_t batch_group_count = 1;
  Precisions operand_precision;
  Verbatim padding_type;
  std::string custom_call_target;
  Verbatim operand_layout_constraints;
  bool custom_call_has_side_effect = false;
  Verbatim schedule;
  Verbatim api_version;
  Verbatim output_to_operand_aliasing;
  Verbatim literal;
  INGOT_ATTRIBUTE_FIELDS(
      CustomCallAttributes, visit("window", self.window, Field::kOptional);
      visit("dim_labels", self.dim_labels, Field::kOptional);
      visit("feature_group_count", self.feature_group_count, Field::kOptional);
      visit("batch_group_count", self.batch_group_count, Field::kOptional);
      visit("operand_precision", self.operand_precision, Field::kOptional);
      visit("padding_type", self.padding_type, Field::kOptional);
      visit("custom_call_target", self.custom_call_target, Field::kRequired);
      visit("operand_layout_constraints", self.operand_layout_constraints, Field::kOptional);
      visit("custom_call_has_side_effect", self.custom_call_has_side_effect, Field::kOptional);
      visit("literal", self.literal, Field::kOptional);
      visit("output_to_operand_aliasing", self.output_to_operand_aliasing, Field::kOptional);
      visit("schedule", self.schedule, Field::kOptional);
      visit("api_version", self.api_version, Field::kOptional);)
};

struct InfeedAttributes {
  std::string infeed_config;
  INGOT_ATTRIBUTE_FIELDS(InfeedAttributes,
                         visit("infeed_config", self.infeed_config, Field::kOptional);)
};

struct OutfeedAttributes {
  Verbatim outfeed_shape;
  std::string outfeed_config;
  INGOT_ATTRIBUTE_FIELDS(OutfeedAttributes,
                         visit("outfeed_shape", self.outfeed_shape, Field::kOptional);
                         visit("outfeed_config", self.outfeed_config, Field::kOptional);)
};

struct TransferAttributes {
  std::optional<int64_t> channel_id;
  bool is_host_transfer = false;
  Verbatim source_target_pairs;
  INGOT_ATTRIBUTE_FIELDS(TransferAttributes, visit("channel_id", self.channel_id, Field::kOptional);
                         visit("is_host_transfer", self.is_host_transfer, Field::kOptional);
                         visit("source_target_pairs", self.source_target_pairs, Field::kOptional);)
};

#undef INGOT_ATTRIBUTE_FIELDS

using Attributes =
    std::variant<NoAttributes, ReducePrecisionAttributes, CompareAttributes, DimensionsAttributes,
                 BitcastAttributes, IotaAttributes, PadAttributes, ReshapeAttributes,
                 SliceAttributes, BatchNormAttributes, WindowAttributes, ScanAttributes,
                 ConvolutionAttributes, DotAttributes, RaggedDotAttributes, DynamicSliceAttributes,
                 GatherAttributes, ScatterAttributes, SortAttributes, TopKAttributes, RngAttributes,
                 RngBitGeneratorAttributes, RngStateAttributes, CholeskyAttributes, FftAttributes,
                 TriangularSolveAttributes, ConstantAttributes, DomainAttributes,
                 TupleIndexAttributes, ParameterAttributes, AsyncAttributes, CallAttributes,
                 FusionAttributes, CollectiveAttributes, AllGatherAttributes,
                 CollectivePermuteAttributes, CopyStartAttributes, CustomCallAttributes,
                 InfeedAttributes, OutfeedAttributes, TransferAttributes>;

// The attribute struct of an opcode, default-constructed: what opcodes.def names.
Attributes DefaultAttributes(Opcode opcode);

// A hash of every field.
size_t HashAttributes(const Attributes& attributes);

}  // namespace ingot

#endif  // INGOT_IR_ATTRIBUTES_H_
