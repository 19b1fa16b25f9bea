package queuetest

var working = behaviours{}
