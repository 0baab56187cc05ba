#ifndef NNET_EACH_VALUE_STREAM_H_
#define NNET_EACH_VALUE_STREAM_H_

// A function of every value of an image by itself, a pixel a pipeline turn.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

// The code of a value, wherever its point is. One more bit than an unsigned type has keeps it positive.
template <unsigned BITS, class value_T> ap_int<BITS> code_of(value_T value) {
    #pragma HLS INLINE
    ap_int<BITS> code = 0;
    code.range(value_T::width - 1, 0) = value.range(value_T::width - 1, 0);
    return code;
}

// The value that has a code, of which its type holds the lowest bits.
template <class value_T, class code_T> value_T of_code(code_T code) {
    #pragma HLS INLINE
    const ap_int<value_T::width> bits = code;
    value_T value = 0;
    value.range(value_T::width - 1, 0) = bits.range(value_T::width - 1, 0);
    return value;
}

// FUNCTION<value that comes in, value that goes out, CONFIG_T>::of has a value and the number of its channel.
template <template <class, class, class> class FUNCTION, typename CONFIG_T, class data_T, class res_T>
void each_value(hls::stream<data_T> &image, hls::stream<res_T> &results) {
    #pragma HLS INLINE
    typedef FUNCTION<typename data_T::value_type, typename res_T::value_type, CONFIG_T> function;
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = image.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channel:
        for (unsigned c = 0; c < data_T::size; c++) {
            #pragma HLS UNROLL
            out[c] = function::of(pixel[c], c);
        }
        results.write(out);
    }
}

} // namespace nnet

#endif
