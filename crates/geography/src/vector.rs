//! Places on the unit sphere as vectors from its centre.

use std::ops::{Add, Mul, Neg, Sub};

/// A vector; of length one where a place on the sphere is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vector {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

impl Vector {
    pub const fn new(x: f64, y: f64, z: f64) -> Vector {
        Vector { x, y, z }
    }

    /// The place at these degrees; `None` outside -180 to 180 and -90 to 90. The two writings of the antimeridian are
    /// places less than a rounding error apart, so that each is written again as it was.
    pub fn from_degrees(longitude: f64, latitude: f64) -> Option<Vector> {
        if !(longitude.abs() <= 180.0 && latitude.abs() <= 90.0) {
            return None;
        }
        let (sine, cosine) = longitude.to_radians().sin_cos();
        let (height, width) = latitude.to_radians().sin_cos();
        Some(Vector::new(cosine * width, sine * width, height))
    }

    /// Longitude and latitude in degrees.
    pub fn to_degrees(self) -> [f64; 2] {
        let longitude = self.y.atan2(self.x);
        let latitude = self.z.atan2(self.x.hypot(self.y));
        // Zero without a sign.
        [longitude.to_degrees() + 0.0, latitude.to_degrees() + 0.0]
    }

    pub fn dot(self, other: Vector) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub fn cross(self, other: Vector) -> Vector {
        Vector::new(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    pub fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// In this direction, of length one; the zero vector stays.
    pub fn unit(self) -> Vector {
        let length = self.length();
        if length == 0.0 { self } else { self * (1.0 / length) }
    }

    /// Angle between two vectors in radians, 0 to π; precise for small angles and for those near π.
    pub fn angle(self, other: Vector) -> f64 {
        self.cross(other).length().atan2(self.dot(other))
    }

    /// The components, for what goes axis by axis.
    pub fn axes(self) -> [f64; 3] {
        [self.x, self.y, self.z]
    }

    /// A unit vector at right angles, the same for the same place (S2's choice, which its rules for points on an
    /// outline depend on).
    pub fn perpendicular(self) -> Vector {
        let [x, y, z] = self.axes().map(f64::abs);
        let largest = if x > y {
            if x > z { 0 } else { 2 }
        } else if y > z {
            1
        } else {
            2
        };
        let mut axis = [0.012, 0.0053, 0.004_57];
        axis[(largest + 2) % 3] = 1.0;
        self.cross(Vector::new(axis[0], axis[1], axis[2])).unit()
    }

    /// Direction of the edge to `other` as a normal of its great circle, not of length one. Written so that it stays
    /// precise for places that are close together.
    pub fn normal_to(self, other: Vector) -> Vector {
        (other + self).cross(other - self)
    }

    /// The place `angle` radians from here towards `other`.
    pub fn toward(self, other: Vector, angle: f64) -> Vector {
        let tangent = self.normal_to(other).cross(self).unit();
        (self * angle.cos() + tangent * angle.sin()).unit()
    }

    /// Both vectors are the same in every bit.
    pub fn key(self) -> [u64; 3] {
        self.axes().map(|axis| (axis + 0.0).to_bits())
    }
}

impl Add for Vector {
    type Output = Vector;
    fn add(self, other: Vector) -> Vector {
        Vector::new(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for Vector {
    type Output = Vector;
    fn sub(self, other: Vector) -> Vector {
        Vector::new(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f64> for Vector {
    type Output = Vector;
    fn mul(self, by: f64) -> Vector {
        Vector::new(self.x * by, self.y * by, self.z * by)
    }
}

impl Neg for Vector {
    type Output = Vector;
    fn neg(self) -> Vector {
        self * -1.0
    }
}
