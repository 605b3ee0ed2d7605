#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CRowScaler.h"

/// Entries of the table from light to code value: fine enough that the steep dark end is off by less than 0.1.
enum { light_steps = 1 << 15 };

/// Four samples that need not be aligned.
typedef float samples __attribute__((vector_size(16), aligned(4)));

/// Which inputs make up one output, and how much each weighs.
typedef struct {
    uint32_t first, count;
    /// Where its weights begin in the table.
    uint32_t weights;
} contribution;

typedef struct {
    contribution *outputs;
    float *weights;
    uint32_t largest_count;
} filter;

struct row_scaler {
    row_scaler_settings settings;
    filter across, down;
    /// Samples of one input row and of one output row.
    size_t input_count, output_count;
    uint32_t rows_taken, rows_given;
    /// One input row as light; behind it, room that whole vectors may read.
    float *light;
    /// The last rows, scaled across: as many as the tallest output row needs.
    float *ring;
    float *sums;
    float light_of_code[256];
    uint8_t code_of_light[light_steps + 1];
};

// MARK: Filter

static double lanczos(double x, int lobes) {
    x = fabs(x);
    if (x < 1e-9) return 1;
    if (x >= lobes) return 0;
    double angle = M_PI * x;
    return lobes * sin(angle) * sin(angle / lobes) / (angle * angle);
}

/// Fills in the weights of one output around `centre`, in input samples; they sum to one, also at the edges.
static void weigh(float *weights, const contribution *output, double centre, double scale, int lobes) {
    double sum = 0;
    for (uint32_t index = 0; index < output->count; index++) {
        double weight = lanczos((output->first + index + 0.5 - centre) / scale, lobes);
        weights[index] = (float)weight;
        sum += weight;
    }
    for (uint32_t index = 0; index < output->count; index++) weights[index] = (float)(weights[index] / sum);
}

static void filter_free(filter *filter) {
    free(filter->outputs);
    free(filter->weights);
}

/// The filter from `input` samples, of which the first `source` are picture, to `output` ones.
static bool filter_prepare(filter *filter, uint32_t input, double source, uint32_t output, int lobes) {
    double step = source / output;
    double scale = step > 1 ? step : 1;
    double reach = lobes * scale;
    uint32_t room = (uint32_t)ceil(2 * reach) + 2;
    room = (room + 3) & ~3u;  // whole vectors; what is beyond the count stays zero
    filter->outputs = calloc(output, sizeof *filter->outputs);
    filter->weights = calloc((size_t)output * room, sizeof *filter->weights);
    if (!filter->outputs || !filter->weights) return false;
    for (uint32_t index = 0; index < output; index++) {
        double centre = (index + 0.5) * step;
        double first = fmax(0, ceil(centre - reach - 0.5)), last = fmin(input - 1, floor(centre + reach - 0.5));
        if (first > input - 1) first = input - 1;
        if (last < first) last = first;
        contribution *contribution = &filter->outputs[index];
        contribution->first = (uint32_t)first;
        contribution->count = (uint32_t)(last - first) + 1;
        contribution->weights = index * room;
        weigh(filter->weights + contribution->weights, contribution, centre, scale, lobes);
        if (contribution->count > filter->largest_count) filter->largest_count = contribution->count;
    }
    return true;
}

// MARK: Light

static double light_of(double code) {
    return code <= 0.04045 ? code / 12.92 : pow((code + 0.055) / 1.055, 2.4);
}

static double code_of(double light) {
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

static void prepare_light(row_scaler *scaler) {
    for (int code = 0; code < 256; code++) scaler->light_of_code[code] = (float)(light_of(code / 255.0) * light_steps);
    for (int step = 0; step <= light_steps; step++)
        scaler->code_of_light[step] = (uint8_t)lrint(code_of((double)step / light_steps) * 255);
}

/// Light multiplied by alpha: what cannot be seen has no weight.
static void to_seen_light(row_scaler *scaler, const uint8_t *row, size_t components) {
    for (size_t first = 0; first < scaler->input_count; first += components) {
        float alpha = row[first + components - 1] / 255.0f;
        for (size_t colour = 0; colour + 1 < components; colour++)
            scaler->light[first + colour] = scaler->light_of_code[row[first + colour]] * alpha;
        scaler->light[first + components - 1] = alpha * light_steps;
    }
}

static void to_light(row_scaler *scaler, const uint8_t *row) {
    if (scaler->settings.components % 2 == 0) {
        to_seen_light(scaler, row, (size_t)scaler->settings.components);
        return;
    }
    for (size_t index = 0; index < scaler->input_count; index++)
        scaler->light[index] = scaler->light_of_code[row[index]];
}

static uint8_t code_of_sum(const row_scaler *scaler, float light) {
    float value = light + 0.5f;
    value = value < 0 ? 0 : value;
    value = value > light_steps ? light_steps : value;
    return scaler->code_of_light[(int)value];
}

/// Divides by alpha again. Where that rounds to nothing, so do the colours: whatever was there cannot be seen.
static void to_codes_of_seen(const row_scaler *scaler, const float *light, uint8_t *row, size_t components) {
    for (size_t first = 0; first < scaler->output_count; first += components) {
        float alpha = light[first + components - 1] / light_steps;
        alpha = alpha < 0 ? 0 : alpha > 1 ? 1 : alpha;
        uint8_t code = (uint8_t)(alpha * 255 + 0.5f);
        for (size_t colour = 0; colour + 1 < components; colour++)
            row[first + colour] = code == 0 ? 0 : code_of_sum(scaler, light[first + colour] / alpha);
        row[first + components - 1] = code;
    }
}

static void to_codes(const row_scaler *scaler, const float *light, uint8_t *row) {
    if (scaler->settings.components % 2 == 0) {
        to_codes_of_seen(scaler, light, row, (size_t)scaler->settings.components);
        return;
    }
    for (size_t index = 0; index < scaler->output_count; index++) row[index] = code_of_sum(scaler, light[index]);
}

// MARK: Convolution

/// Three samples a pixel: one vector holds a pixel and a stray sample, which the next pixel's store covers.
static void scale_across_colours(const row_scaler *scaler, float *output) {
    const filter *filter = &scaler->across;
    for (uint32_t index = 0; index < scaler->settings.output_width; index++) {
        const contribution *contribution = &filter->outputs[index];
        const float *input = scaler->light + (size_t)contribution->first * 3;
        const float *weights = filter->weights + contribution->weights;
        samples even = {0}, odd = {0};
        for (uint32_t tap = 0; tap < contribution->count; tap += 4, input += 12) {
            samples weight = *(const samples *)(weights + tap);
            even += *(const samples *)input * __builtin_shufflevector(weight, weight, 0, 0, 0, 0);
            odd += *(const samples *)(input + 3) * __builtin_shufflevector(weight, weight, 1, 1, 1, 1);
            even += *(const samples *)(input + 6) * __builtin_shufflevector(weight, weight, 2, 2, 2, 2);
            odd += *(const samples *)(input + 9) * __builtin_shufflevector(weight, weight, 3, 3, 3, 3);
        }
        *(samples *)(output + (size_t)index * 3) = even + odd;
    }
}

/// Four samples a pixel: a vector holds one.
static void scale_across_colours_and_alpha(const row_scaler *scaler, float *output) {
    const filter *filter = &scaler->across;
    for (uint32_t index = 0; index < scaler->settings.output_width; index++) {
        const contribution *contribution = &filter->outputs[index];
        const float *input = scaler->light + (size_t)contribution->first * 4;
        const float *weights = filter->weights + contribution->weights;
        samples sum = {0};
        for (uint32_t tap = 0; tap < contribution->count; tap++) {
            float weight = weights[tap];
            sum += ((const samples *)input)[tap] * (samples){weight, weight, weight, weight};
        }
        *(samples *)(output + (size_t)index * 4) = sum;
    }
}

/// Two samples a pixel, which are few pictures.
static void scale_across_gray_and_alpha(const row_scaler *scaler, float *output) {
    const filter *filter = &scaler->across;
    for (uint32_t index = 0; index < scaler->settings.output_width; index++) {
        const contribution *contribution = &filter->outputs[index];
        const float *input = scaler->light + (size_t)contribution->first * 2;
        const float *weights = filter->weights + contribution->weights;
        float gray = 0, alpha = 0;
        for (uint32_t tap = 0; tap < contribution->count; tap++) {
            gray += input[2 * tap] * weights[tap];
            alpha += input[2 * tap + 1] * weights[tap];
        }
        output[2 * (size_t)index] = gray;
        output[2 * (size_t)index + 1] = alpha;
    }
}

/// One sample a pixel: four taps at a time; the weights beyond the count are zero and so is the room behind the row.
static void scale_across_gray(const row_scaler *scaler, float *output) {
    const filter *filter = &scaler->across;
    for (uint32_t index = 0; index < scaler->settings.output_width; index++) {
        const contribution *contribution = &filter->outputs[index];
        const float *input = scaler->light + contribution->first;
        const float *weights = filter->weights + contribution->weights;
        samples sum = {0};
        for (uint32_t tap = 0; tap < contribution->count; tap += 4)
            sum += *(const samples *)(input + tap) * *(const samples *)(weights + tap);
        output[index] = sum[0] + sum[1] + sum[2] + sum[3];
    }
}

static float *ring_row(const row_scaler *scaler, uint32_t row) {
    return scaler->ring + (row % scaler->down.largest_count) * (scaler->output_count + 4);
}

/// Sums up the rows of the ring that make up output row `index`, two at a time.
static void scale_down(const row_scaler *scaler, uint32_t index) {
    const contribution *contribution = &scaler->down.outputs[index];
    const float *weights = scaler->down.weights + contribution->weights;
    float *restrict sums = scaler->sums;
    memset(sums, 0, scaler->output_count * sizeof *sums);
    uint32_t tap = 0;
    for (; tap + 1 < contribution->count; tap += 2) {
        const float *restrict upper = ring_row(scaler, contribution->first + tap);
        const float *restrict lower = ring_row(scaler, contribution->first + tap + 1);
        float upper_weight = weights[tap], lower_weight = weights[tap + 1];
        for (size_t sample = 0; sample < scaler->output_count; sample++)
            sums[sample] += upper[sample] * upper_weight + lower[sample] * lower_weight;
    }
    if (tap < contribution->count) {
        const float *restrict last = ring_row(scaler, contribution->first + tap);
        for (size_t sample = 0; sample < scaler->output_count; sample++) sums[sample] += last[sample] * weights[tap];
    }
}

// MARK: Life

row_scaler *row_scaler_create(row_scaler_settings settings) {
    row_scaler *scaler = calloc(1, sizeof *scaler);
    if (!scaler) return NULL;
    scaler->settings = settings;
    scaler->input_count = (size_t)settings.input_width * (size_t)settings.components;
    scaler->output_count = (size_t)settings.output_width * (size_t)settings.components;
    if (!filter_prepare(
            &scaler->across, settings.input_width, settings.source_width, settings.output_width, settings.lobes)
        || !filter_prepare(
            &scaler->down, settings.input_height, settings.source_height, settings.output_height, settings.lobes)) {
        row_scaler_destroy(scaler);
        return NULL;
    }
    scaler->light = calloc(scaler->input_count + 4 * (size_t)settings.components, sizeof *scaler->light);
    scaler->ring = calloc(scaler->down.largest_count * (scaler->output_count + 4), sizeof *scaler->ring);
    scaler->sums = calloc(scaler->output_count, sizeof *scaler->sums);
    if (!scaler->light || !scaler->ring || !scaler->sums) {
        row_scaler_destroy(scaler);
        return NULL;
    }
    prepare_light(scaler);
    return scaler;
}

void row_scaler_destroy(row_scaler *scaler) {
    if (!scaler) return;
    filter_free(&scaler->across);
    filter_free(&scaler->down);
    free(scaler->light);
    free(scaler->ring);
    free(scaler->sums);
    free(scaler);
}

/// The rows that the next output row needs, counted from the top.
static uint32_t rows_needed(const row_scaler *scaler) {
    const contribution *next = &scaler->down.outputs[scaler->rows_given];
    return next->first + next->count;
}

bool row_scaler_take(row_scaler *scaler, const uint8_t *row) {
    if (scaler->rows_taken == scaler->settings.input_height) return false;
    if (scaler->rows_given < scaler->settings.output_height && scaler->rows_taken >= rows_needed(scaler)) return false;
    to_light(scaler, row);
    float *output = ring_row(scaler, scaler->rows_taken);
    switch (scaler->settings.components) {
    case 1: scale_across_gray(scaler, output); break;
    case 2: scale_across_gray_and_alpha(scaler, output); break;
    case 3: scale_across_colours(scaler, output); break;
    default: scale_across_colours_and_alpha(scaler, output); break;
    }
    scaler->rows_taken++;
    return true;
}

bool row_scaler_give(row_scaler *scaler, uint8_t *row) {
    if (scaler->rows_given == scaler->settings.output_height) return false;
    if (scaler->rows_taken < rows_needed(scaler)) return false;
    scale_down(scaler, scaler->rows_given);
    to_codes(scaler, scaler->sums, row);
    scaler->rows_given++;
    return true;
}
